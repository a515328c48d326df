/** Certificates made for one test. */
import { readFileSync, writeFileSync } from 'node:fs'
import { runChild, type TempHome } from '@secreg/testkit'

export interface Made {
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** Who issues it; itself unless told. */
  readonly issuer?: Made
  readonly authority?: boolean
  /** Default `clientAuth`. */
  readonly usage?: 'clientAuth' | 'serverAuth'
  /** Default 2; less than 0 has expired. */
  readonly days?: number
}

/** Makes certificates with `openssl`, in one directory. */
export class CertificateMaker {
  readonly #openssl: string
  readonly #home: TempHome
  #made = 0

  constructor(openssl: string, home: TempHome) {
    this.#openssl = openssl
    this.#home = home
  }

  async make(name: string, options: CertificateOptions = {}): Promise<Made> {
    const { issuer, authority = false, usage = 'clientAuth', days = 2 } = options
    const at = ++this.#made
    const file = (end: string): string => this.#home.file(`${at}-${end}`)
    const made = { cert: file('cert.pem'), key: file('key.pem') }
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
    await this.#run(
      'req',
      '-new',
      ...ec,
      '-keyout',
      made.key,
      '-out',
      file('csr'),
      '-subj',
      `/CN=${name}`,
    )
    writeFileSync(
      file('ext'),
      [
        `basicConstraints = critical, CA:${authority ? 'TRUE' : 'FALSE'}`,
        `keyUsage = critical, ${authority ? 'keyCertSign, cRLSign' : 'digitalSignature'}`,
        ...(authority ? [] : [`extendedKeyUsage = ${usage}`]),
        'subjectAltName = DNS:localhost, IP:127.0.0.1',
      ].join('\n'),
    )
    const signer =
      issuer === undefined ? ['-signkey', made.key] : ['-CA', issuer.cert, '-CAkey', issuer.key]
    await this.#run(
      'x509',
      '-req',
      '-in',
      file('csr'),
      '-out',
      made.cert,
      '-extfile',
      file('ext'),
      '-days',
      String(days),
      '-set_serial',
      String(1000 + at),
      ...signer,
    )
    return made
  }

  async #run(...args: string[]): Promise<void> {
    const { code, stderr } = await runChild(this.#openssl, args)
    if (code !== 0) throw new Error(`openssl: ${stderr}`)
  }
}

/** One file with several certificates, the first one's own first. */
export function chain(file: string, ...parts: readonly Made[]): string {
  writeFileSync(file, parts.map(({ cert }) => readFileSync(cert, 'utf8')).join(''))
  return file
}
