// The floor that the socket of libvirt is held against: the same frame reader, and for each call the reply that its procedure
// always has. Replies are in a file, as JSON of numbers and hex.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { FrameReader } from '@secreg/libvirt'

const [path, file] = process.argv.slice(2)
const replies = new Map(
  Object.entries(JSON.parse(readFileSync(file, 'utf8'))).map(([procedure, hex]) => [
    Number(procedure),
    Buffer.from(hex, 'hex'),
  ]),
)

const server = createServer((socket) => {
  const reader = new FrameReader()
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    reader.push(chunk)
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      socket.write(replies.get(frame.procedure))
    }
  })
})
server.listen(path, () => process.stdout.write('{"ready":true}\n'))
