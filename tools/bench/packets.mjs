// A client of SEQPACKET sockets that costs as little as it can: packets are made beforehand, answers only compared.
import { once } from 'node:events'
import { connectSeqpacket } from '@secreg/unix-socket'

async function open(path) {
  const socket = connectSeqpacket({ path })
  await once(socket, 'connect')
  return socket
}

/** Ask one request and return its answer. */
export async function askPacket(path, request) {
  const socket = await open(path)
  try {
    const answer = once(socket, 'packet')
    socket.send(Buffer.from(JSON.stringify(request)))
    const [{ data }] = await answer
    return JSON.parse(data)
  } finally {
    socket.destroy()
  }
}

/** A connection that is kept. */
export async function openPackets(path) {
  const socket = await open(path)
  return {
    /** @returns the answer and how long it took, milliseconds */
    async ask(packet) {
      const answer = once(socket, 'packet')
      const begin = performance.now()
      socket.send(packet)
      const [{ data }] = await answer
      return { answer: JSON.parse(data), tookMs: performance.now() - begin }
    },
    close: () => socket.destroy(),
  }
}

/**
 * Ask one request `total` times over some connections, each with one in flight, as the protocol wants it.
 *
 * @param expected - the bytes that every answer must be
 * @returns requests per second, and the latencies in milliseconds, sorted
 */
export async function loadPackets(path, { connections, total, request, expected }) {
  const packet = Buffer.from(JSON.stringify(request))
  const wanted = Buffer.from(expected)
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(path)))
  const latencies = new Float64Array(total)
  let asked = 0
  let answered = 0
  const begin = performance.now()
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve, reject) => {
          let sentAt = 0
          const next = () => {
            if (asked === total) return resolve()
            asked++
            sentAt = performance.now()
            socket.send(packet)
          }
          socket.on('error', reject)
          socket.on('close', () => reject(new Error('closed early')))
          socket.on('packet', ({ data }) => {
            if (!wanted.equals(data)) {
              reject(new Error(`unexpected answer: ${data.subarray(0, 300)}`))
              return
            }
            latencies[answered++] = performance.now() - sentAt
            next()
          })
          next()
        }),
    ),
  )
  const seconds = (performance.now() - begin) / 1000
  for (const socket of sockets) socket.destroy()
  return { perSecond: total / seconds, latencies: latencies.subarray(0, answered).sort() }
}
