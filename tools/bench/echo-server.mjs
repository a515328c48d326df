// The floor that the registry is held against: reads frames with the same reader and writes each back.
import { createServer } from 'node:net'
import { encodeFrame, FrameReader } from '@secreg/wire-codec'

const server = createServer((socket) => {
  const reader = new FrameReader({ framing: 'length', maxFrameBytes: 4 * 1024 * 1024 })
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    reader.push(chunk)
    const answers = []
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      const { type, timestampMs, payload } = frame
      answers.push(encodeFrame('length', { type: type + 1, timestampMs, payload }))
    }
    if (answers.length > 0) socket.write(answers.length === 1 ? answers[0] : Buffer.concat(answers))
  })
})
server.listen(process.argv[2], () => process.stdout.write('{"ready":true}\n'))
