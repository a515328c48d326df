// A client of SEQPACKET sockets that costs as little as it can: packets are made beforehand, answers only compared.
import { once } from 'node:events'
import { connectSeqpacket } from '@secreg/unix-socket'
import { drive } from './drive.mjs'

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
 * @returns as `drive`
 */
export function loadPackets(path, { connections, total, request, expected }) {
  const packet = Buffer.from(JSON.stringify(request))
  const wanted = Buffer.from(expected)
  return drive(
    { connections, total },
    {
      open: () => open(path),
      ask: (socket) => socket.send(packet),
      listen(socket, answered, fail) {
        socket.on('packet', ({ data }) => {
          if (wanted.equals(data)) answered(1)
          else fail(new Error(`unexpected answer: ${data.subarray(0, 300)}`))
        })
      },
    },
  )
}
