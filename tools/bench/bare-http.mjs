// The floor that the gateway is held against: Node.js' own server, which writes the same status, headers and body to everybody.
import { createServer } from 'node:http'

const { status, headers, body } = JSON.parse(process.argv[2])

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(status, headers)
    response.end(body)
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  process.stdout.write(`${JSON.stringify({ ready: true, http: `http://127.0.0.1:${port}` })}\n`)
})
