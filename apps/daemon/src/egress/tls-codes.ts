/** Codes of OpenSSL and of Node.js that say why a certificate was not taken, or that there was no TLS. */

const TLS =
  /^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|HOSTNAME_MISMATCH|EPROTO)/

export function isTlsCode(code: string): boolean {
  return TLS.test(code)
}
