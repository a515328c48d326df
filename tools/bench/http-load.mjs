// An HTTP client that costs as little as it can: requests are bytes made beforehand, answers are only counted.
import { once } from 'node:events'
import { connect } from 'node:net'
import { drive } from './drive.mjs'

const HEAD_END = Buffer.from('\r\n\r\n')
const LENGTH = Buffer.from('\r\nContent-Length: ')

/** Bytes of one keep-alive request. */
export function requestBytes(url, { method = 'POST', path, headers = {}, body = '' }) {
  const all = { Host: url.host, ...headers, 'Content-Length': Buffer.byteLength(body) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
}

/** Ask once, and read the answer whole. */
export async function askHttp(url, bytes) {
  const socket = connect(Number(url.port), url.hostname)
  await once(socket, 'connect')
  socket.write(bytes)
  let rest = Buffer.alloc(0)
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk])
    const end = endOf(rest, 0)
    if (end === undefined) continue
    socket.destroy()
    const headEnd = rest.indexOf(HEAD_END)
    const [line, ...fields] = rest.toString('latin1', 0, headEnd).split('\r\n')
    const headers = Object.fromEntries(fields.map((field) => field.split(/: (.*)/s, 2)))
    return {
      status: Number(line.split(' ')[1]),
      headers,
      body: rest.toString('utf8', headEnd + 4, end),
    }
  }
  throw new Error('the connection closed without an answer')
}

/** Where the answer that begins at `at` ends; undefined while it is not whole. */
function endOf(bytes, at) {
  const headEnd = bytes.indexOf(HEAD_END, at)
  if (headEnd < 0) return undefined
  const length = bytes.indexOf(LENGTH, at)
  const size =
    length < 0 || length > headEnd
      ? 0
      : parseInt(bytes.toString('latin1', length + LENGTH.length, length + LENGTH.length + 12), 10)
  const end = headEnd + 4 + size
  return end > bytes.length ? undefined : end
}

/**
 * Ask `total` times over some connections, one request in flight on each.
 *
 * @param status - of every answer
 * @returns as `drive`
 */
export function loadHttp(url, { connections, total, request, status }) {
  const expected = Buffer.from(`HTTP/1.1 ${status} `)
  return drive(
    { connections, total },
    {
      async open() {
        const socket = connect(Number(url.port), url.hostname)
        socket.setNoDelay(true)
        await once(socket, 'connect')
        return socket
      },
      ask: (socket) => socket.write(request),
      listen(socket, answered, fail) {
        let rest = Buffer.alloc(0)
        socket.on('data', (chunk) => {
          rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
          const end = endOf(rest, 0)
          if (end === undefined) return
          if (rest.compare(expected, 0, expected.length, 0, expected.length) !== 0) {
            fail(new Error(`unexpected answer: ${rest.toString('latin1', 0, 300)}`))
            return
          }
          rest = rest.subarray(end)
          answered(1)
        })
      },
    },
  )
}
