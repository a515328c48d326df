/** What a configuration asks that is weaker than it should be. */
import { lstat } from 'node:fs/promises'
import { type Config, parseHttpAddress } from '@secreg/host'
import { type Diagnosis, finding } from '@secreg/registry'

/** Cost of passwords below which it is told. */
const USUAL_SCRYPT_LOG_N = 17

export async function configFindings(config: Config): Promise<readonly Diagnosis[]> {
  const found = [...weaknessFindings(config), ...(await keyFileFindings(config))]
  return found.length > 0 ? found : [finding('config', 'ok', 'nothing to be said against it')]
}

function weaknessFindings(config: Config): Diagnosis[] {
  const check = 'config'
  const found: Diagnosis[] = []
  const { scryptLogN } = config.security
  if (scryptLogN < USUAL_SCRYPT_LOG_N) {
    const message = `security.scrypt_log_n is ${scryptLogN}: passwords are cheaper to guess`
    found.push(finding(check, 'warning', message, `set it to ${USUAL_SCRYPT_LOG_N}`))
  }
  const { listen, tlsCert } = config.http
  const { host = '' } = listen === undefined ? {} : (parseHttpAddress(listen) ?? {})
  if (
    host !== '' &&
    tlsCert === undefined &&
    !/^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(host)
  ) {
    const message = 'HTTP is served to other machines without TLS: credentials travel in the clear'
    found.push(finding(check, 'warning', message, 'set http.tls_cert and http.tls_key'))
  }
  return found
}

/** Whether the file that unseals at the start is there and private; it is not named. */
async function keyFileFindings({ unlock }: Config): Promise<readonly Diagnosis[]> {
  const { keyFile } = unlock
  if (keyFile === undefined) return []
  const check = 'key file'
  const facts = await lstat(keyFile).catch(() => undefined)
  if (facts === undefined || !facts.isFile()) {
    const advice = 'the next start stays sealed: put the file back, or change unlock.key_file'
    return [finding(check, 'warning', 'the file of unlock.key_file is not there', advice)]
  }
  const isPrivate =
    (facts.mode & 0o077) === 0 && (facts.uid === 0 || facts.uid === process.geteuid?.())
  return isPrivate
    ? [finding(check, 'ok', 'the file of unlock.key_file is private')]
    : [
        finding(
          check,
          'fault',
          'the file of unlock.key_file is open to others, or belongs to another user',
          'chmod 0400 and chown it; if others may have read it, rotate and replace the protector',
        ),
      ]
}
