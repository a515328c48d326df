/** Certificates of X.509, made for one test. */
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { runChild } from './child.ts'
import { requireProgram, type SkippableContext } from './programs.ts'
import type { TempHome } from './temp-home.ts'

/** Paths of PEM files. */
export interface MadeCertificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** Who issues it; itself unless told. */
  readonly issuer?: MadeCertificate
  readonly authority?: boolean
  /** Default `clientAuth`. */
  readonly usage?: 'clientAuth' | 'serverAuth'
  /** Default 2; less than 0 has expired. */
  readonly days?: number
  /** As in openssl's `subjectAltName`; default `DNS:localhost, IP:127.0.0.1`. */
  readonly names?: string
}

/** Makes certificates with `openssl`, their keys on P-256, in one directory. */
export class CertificateMaker {
  readonly #openssl: string
  readonly #home: TempHome
  #made = 0

  private constructor(openssl: string, home: TempHome) {
    this.#openssl = openssl
    this.#home = home
  }

  /** Make them in a directory; the test is skipped where there is no `openssl`. */
  static in(home: TempHome, context: SkippableContext): CertificateMaker {
    return new CertificateMaker(requireProgram(context, 'openssl'), home)
  }

  /** @param name - common name of its subject */
  async make(name: string, options: CertificateOptions = {}): Promise<MadeCertificate> {
    const { issuer, authority = false, usage = 'clientAuth', days = 2 } = options
    const { names = 'DNS:localhost, IP:127.0.0.1' } = options
    const at = ++this.#made
    const file = (end: string): string => this.#home.file(`pki-${at}-${end}`)
    const made = { cert: file('cert.pem'), key: file('key.pem') }
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    const request = ['-keyout', made.key, '-out', file('csr'), '-subj', `/CN=${name}`]
    await this.#run('req', '-new', ...ec, ...request)
    writeFileSync(
      file('ext'),
      [
        `basicConstraints = critical, CA:${authority ? 'TRUE' : 'FALSE'}`,
        `keyUsage = critical, ${authority ? 'keyCertSign, cRLSign' : 'digitalSignature'}`,
        ...(authority ? [] : [`extendedKeyUsage = ${usage}`]),
        `subjectAltName = ${names}`,
      ].join('\n'),
    )
    const signer =
      issuer === undefined ? ['-signkey', made.key] : ['-CA', issuer.cert, '-CAkey', issuer.key]
    const files = ['-in', file('csr'), '-out', made.cert, '-extfile', file('ext')]
    const facts = ['-days', String(days), '-set_serial', String(1000 + at)]
    await this.#run('x509', '-req', ...files, ...facts, ...signer)
    for (const end of ['csr', 'ext']) rmSync(file(end))
    return made
  }

  async #run(...args: string[]): Promise<void> {
    const { code, stderr } = await runChild(this.#openssl, args)
    if (code !== 0) throw new Error(`openssl: ${stderr}`)
  }
}

/** Write one file with several certificates, the first one's own first; answers its path. */
export function writeChain(file: string, ...parts: readonly MadeCertificate[]): string {
  writeFileSync(file, parts.map(({ cert }) => readFileSync(cert, 'utf8')).join(''))
  return file
}

/** As what a gateway asserts who shows it: `cert:sha256:` and the hash of its DER form. */
export function certificatePrincipal({ cert }: MadeCertificate): string {
  const { raw } = new X509Certificate(readFileSync(cert))
  return `cert:sha256:${createHash('sha256').update(raw).digest('hex')}`
}
