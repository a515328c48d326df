import { createServer, type Server, type Socket } from 'node:net'
import { RawConnection, rawRequest } from '@secreg/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'

let server: Server
let port: number
/** What the server does with a connection. */
let serve: (socket: Socket) => void
beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {})
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as { port: number }).port
})
afterEach(() => {
  server.close()
})

const answer = (body: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX-A:  b \r\n\r\n${body}`

it('takes answers one by one, however they come', async () => {
  serve = (socket) =>
    socket.once('data', () => {
      const text = answer('one') + answer('') + answer('two')
      socket.write(text.slice(0, 60))
      socket.once('data', () => socket.end(text.slice(60)))
    })
  using connection = await RawConnection.open(port)
  const first = await connection.ask('a')
  expect(first).toEqual({
    status: 200,
    headers: { 'content-length': '3', 'x-a': 'b' },
    body: 'one',
  })
  expect(connection.isClosed).toBe(false)
  connection.send(Uint8Array.of(0))
  expect((await connection.rest()).map(({ body }) => body)).toEqual(['', 'two'])
  await connection.whenClosed()
  expect(connection.isClosed).toBe(true)
  expect(connection.text).toBe('')
})

it('tells of an answer that does not come, or not whole', async () => {
  const cut = answer('one').slice(0, -1)
  serve = (socket) => {
    socket.write(cut)
    socket.once('data', () => socket.end())
  }
  using connection = await RawConnection.open(port)
  await expect(connection.answer(20)).rejects.toThrow('waited 20 ms for an answer')
  await expect(connection.whenClosed(20)).rejects.toThrow(
    'waited 20 ms for the end of the connection',
  )
  await expect(connection.ask('a')).rejects.toThrow('the server closed without an answer')
  await expect(connection.answer()).rejects.toThrow('the server closed without an answer')
  expect(await connection.next()).toBeUndefined()
  expect(connection.text).toBe(cut)
})

it('comes from the address that it is told, and fails where nobody listens', async () => {
  serve = (socket) => socket.end(answer(socket.remoteAddress ?? ''))
  using connection = await RawConnection.open(port, { from: '127.0.0.9' })
  expect((await connection.answer()).body).toBe('127.0.0.9')
  await new Promise((resolve) => server.close(resolve))
  await expect(RawConnection.open(port)).rejects.toThrow('ECONNREFUSED')
})

it('rawRequest frames a body unless the headers do', () => {
  const length = /^Content-Length: (.*)\r$/m
  expect(rawRequest('GET', '/a', { 'X-A': 'b' })).toBe(
    'GET /a HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n\r\n',
  )
  expect(length.exec(rawRequest('POST', '/a', {}, '{}'))?.[1]).toBe('2')
  expect(length.exec(rawRequest('POST', '/a', { 'Content-Length': '9' }, '{}'))?.[1]).toBe('9')
  expect(rawRequest('POST', '/a', { 'transfer-encoding': 'x' }, '{}')).not.toMatch(length)
})
