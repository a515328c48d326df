/** Certificates from files, checked as far as that is possible before somebody connects. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ServerOptions } from 'node:https'
import { createSecureContext, type TLSSocket } from 'node:tls'
import type { HttpConfig } from '../gateway-config.ts'

/** PEM texts. */
export interface TlsFiles {
  readonly cert: Buffer
  readonly key: Buffer
  /** Authorities of client certificates; undefined asks for none. */
  readonly clientCa: Buffer | undefined
  /** Who shows no certificate is not served. */
  readonly clientRequired: boolean
}

/** What is wrong with the files, by the keys of the configuration that name them; nothing of what is in them. */
export class TlsError extends Error {
  override name = 'TlsError'
  readonly code = 'ERR_GATEWAY_TLS'

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
  }
}

/** `SSL_OP_NO_TICKET` of OpenSSL. */
const NO_TICKETS = 0x4000

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Read the files of the configuration.
 *
 * @returns undefined when none is configured
 * @throws TlsError, whatever is wrong with them
 */
export function readTls(
  http: Pick<HttpConfig, 'tlsCert' | 'tlsKey' | 'tlsClientCa' | 'tlsClientRequired'>,
): TlsFiles | undefined {
  const { tlsCert, tlsKey, tlsClientCa, tlsClientRequired } = http
  if (tlsClientRequired && tlsClientCa === undefined) {
    throw new TlsError('http.tls_client_required: expected http.tls_client_ca with it')
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    if (tlsCert !== undefined || tlsKey !== undefined) {
      throw new TlsError('http.tls_cert and http.tls_key: expected both or none')
    }
    if (tlsClientCa !== undefined) {
      throw new TlsError('http.tls_client_ca: expected none without http.tls_cert')
    }
    return undefined
  }
  const files: TlsFiles = {
    cert: readFile('http.tls_cert', tlsCert),
    key: readFile('http.tls_key', tlsKey),
    clientCa: tlsClientCa === undefined ? undefined : readFile('http.tls_client_ca', tlsClientCa),
    clientRequired: tlsClientRequired,
  }
  if (files.clientCa !== undefined) assertAuthorities(files.clientCa)
  try {
    createSecureContext(tlsOptions(files))
  } catch (cause) {
    throw new TlsError('http.tls_cert, http.tls_key: expected a certificate and its key', cause)
  }
  return files
}

/** Options of a server. */
export function tlsOptions(files: TlsFiles): ServerOptions {
  return {
    cert: files.cert,
    key: files.key,
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    ALPNProtocols: ['http/1.1'],
    ...(files.clientCa === undefined
      ? {}
      : {
          ca: files.clientCa,
          requestCert: true,
          // One that is shown and not good ends the connection all the same: see `isRefused`.
          rejectUnauthorized: files.clientRequired,
          // A session that goes on would not look at the certificate again.
          secureOptions: NO_TICKETS,
        }),
  }
}

/** Whether the client has shown a certificate that nothing can be believed of. */
export function isRefused(socket: TLSSocket): boolean {
  return !socket.authorized && socket.getPeerX509Certificate() !== undefined
}

/** What is trusted to issue must be made to issue: a certificate of a client is no authority (RFC 5280 §4.2.1.9). */
function assertAuthorities(pem: Buffer): void {
  const found = pem.toString('latin1').match(PEM_CERTIFICATE) ?? []
  if (found.length === 0) throw new TlsError('http.tls_client_ca: expected certificates in PEM')
  for (const text of found) {
    let authority: boolean
    try {
      authority = new X509Certificate(text).ca
    } catch (cause) {
      throw new TlsError('http.tls_client_ca: expected certificates in PEM', cause)
    }
    if (!authority) {
      throw new TlsError('http.tls_client_ca: expected certificates of authorities, got another')
    }
  }
}

function readFile(key: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown failure'
    throw new TlsError(`${key}: cannot be read: ${code}`, cause)
  }
}
