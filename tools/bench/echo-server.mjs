// The floor that the registry is held against: the same frame reader, and an answer of the same bytes for each frame.
import { createServer } from 'node:net'
import { encodeFrame, FrameReader } from '@secreg/wire-codec'

const [path, type, payload] = process.argv.slice(2)

const server = createServer((socket) => {
  const reader = new FrameReader({ framing: 'length', maxFrameBytes: 4 * 1024 * 1024 })
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    reader.push(chunk)
    const answers = []
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      answers.push(encodeFrame('length', { type: Number(type), timestampMs: Date.now(), payload }))
    }
    if (answers.length > 0) socket.write(answers.length === 1 ? answers[0] : Buffer.concat(answers))
  })
})
server.listen(path, () => process.stdout.write('{"ready":true}\n'))
