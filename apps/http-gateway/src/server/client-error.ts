/** Answers to what is no request: written on the socket by hand, because there is nothing else to answer with. */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { commonHeaders } from './answer.ts'

const STATUS_OF: Readonly<Record<string, number>> = Object.freeze({
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
})

/** Status for a fault of the parser of Node.js. */
export function statusOfFault(code: string | undefined): number {
  const known = code === undefined || !Object.hasOwn(STATUS_OF, code) ? undefined : STATUS_OF[code]
  return known ?? 400
}

/** Answer in one write and close; the text is fixed. */
export function refuseConnection(socket: Duplex, status: number, isSecure: boolean): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const common = commonHeaders(isSecure)
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`]
  for (let at = 0; at < common.length; at += 2) lines.push(`${common[at]}: ${common[at + 1]}`)
  if (status === 405) lines.push('Allow: GET, HEAD, POST')
  lines.push('Content-Length: 0', 'Connection: close')
  socket.end(`${lines.join('\r\n')}\r\n\r\n`, () => socket.destroy())
}
