// The floor that the subauth socket is held against: the same native part, and an answer of the same bytes for each packet.
import { createSeqpacketServer } from '@secreg/unix-socket'

const [path, payload] = process.argv.slice(2)
const answer = Buffer.from(payload)

const server = createSeqpacketServer({ passCredentials: true }, (socket) => {
  socket.on('error', () => {})
  socket.on('packet', () => socket.send(answer))
})
server.listen({ path })
server.on('listening', () => process.stdout.write('{"ready":true}\n'))
