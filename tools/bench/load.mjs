// A client that costs as little as it can: requests are encoded beforehand, answers are only counted.
import { once } from 'node:events'
import { connect } from 'node:net'
import { decodePayload, encodeFrame, FrameReader } from '@secreg/wire-codec'

export function requestFrame(type, payload, sessionId = '') {
  return encodeFrame('length', {
    type,
    timestampMs: Date.now(),
    sessionId,
    payload: JSON.stringify(payload),
  })
}

async function open(path) {
  const socket = connect(path)
  await once(socket, 'connect')
  return socket
}

/** Ask one request and return its decoded answer. */
export async function ask(path, frame) {
  const socket = await open(path)
  const reader = new FrameReader({ framing: 'length', maxFrameBytes: 4 * 1024 * 1024 })
  socket.write(frame)
  for await (const chunk of socket) {
    reader.push(chunk)
    const answer = reader.next()
    if (answer !== undefined) {
      const result = { type: answer.type, ...decodePayload(answer.payload) }
      socket.destroy()
      return result
    }
  }
  throw new Error('the connection closed without an answer')
}

/**
 * Ask `total` requests over some connections, each with some in flight.
 *
 * @returns requests per second, and the latencies in milliseconds, sorted
 */
export async function load(path, { connections, inFlight, total, frames, expectType }) {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(path)))
  const latencies = new Float64Array(total)
  let asked = 0
  let answered = 0
  const begin = performance.now()
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve, reject) => {
          const sent = []
          let rest = Buffer.alloc(0)
          const next = (count) => {
            const out = []
            while (count > 0 && asked < total) {
              out.push(frames[asked % frames.length])
              sent.push(performance.now())
              asked++
              count--
            }
            if (out.length > 0) socket.write(out.length === 1 ? out[0] : Buffer.concat(out))
            else if (sent.length === 0) resolve()
          }
          socket.on('error', reject)
          socket.on('close', () =>
            sent.length > 0 ? reject(new Error('closed early')) : undefined,
          )
          socket.on('data', (chunk) => {
            rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
            let at = 0
            let done = 0
            const now = performance.now()
            while (rest.length - at >= 5) {
              const size = rest.readUInt32BE(at)
              if (rest.length - at < 4 + size) break
              if (rest[at + 4] !== expectType) {
                reject(
                  new Error(
                    `unexpected answer of type ${rest[at + 4]}: ${rest.subarray(at, at + 300)}`,
                  ),
                )
                return
              }
              latencies[answered++] = now - sent.shift()
              at += 4 + size
              done++
            }
            rest = rest.subarray(at)
            if (done > 0) next(done)
          })
          next(inFlight)
        }),
    ),
  )
  const seconds = (performance.now() - begin) / 1000
  for (const socket of sockets) socket.destroy()
  return { perSecond: total / seconds, latencies: latencies.subarray(0, answered).sort() }
}

export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
