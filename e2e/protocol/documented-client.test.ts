/**
 * A client written from the original document alone (SecReg-Linux docs/API.md: "Type (1 byte), Timestamp (8 bytes),
 * Session ID (1 byte +), Payload (variable)" and its message payloads): raw bytes, no code of the project. The
 * document says nothing of the end of a frame, so the same client is run in each of the three forms.
 */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Child, createTempHome, startNode, type TempHome } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const SECREGD = fileURLToPath(new URL('../../apps/daemon/bin/secregd.js', import.meta.url))

interface Message {
  type: number
  session: string
  // biome-ignore lint/suspicious/noExplicitAny: a payload is whatever the server sent
  payload: any
}

/** One form: what stands around the documented bytes. */
interface Form {
  readonly name: string
  wrap(header: Buffer, payload: Buffer): Buffer
  /** The first message of what has arrived, and how many bytes it took. */
  unwrap(bytes: Buffer): { header: Buffer; payload: Buffer; size: number } | undefined
}

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Length of the documented header: type, time, length of the session id, session id. */
const headerBytes = (bytes: Buffer, at = 0): number => 10 + bytes.readUInt8(at + 9)

const FORMS: readonly Form[] = [
  {
    name: 'B: a length before the documented bytes',
    wrap: (header, payload) =>
      Buffer.concat([u32(header.length + payload.length), header, payload]),
    unwrap: (bytes) => {
      if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE(0)) return undefined
      const size = 4 + bytes.readUInt32BE(0)
      const start = 4 + headerBytes(bytes, 4)
      return { header: bytes.subarray(4, start), payload: bytes.subarray(start, size), size }
    },
  },
  {
    name: 'A: a length before the payload',
    wrap: (header, payload) => Buffer.concat([header, u32(payload.length), payload]),
    unwrap: (bytes) => {
      if (bytes.length < 10 || bytes.length < headerBytes(bytes) + 4) return undefined
      const start = headerBytes(bytes) + 4
      const size = start + bytes.readUInt32BE(start - 4)
      if (bytes.length < size) return undefined
      return { header: bytes.subarray(0, start - 4), payload: bytes.subarray(start, size), size }
    },
  },
  {
    name: 'C: the documented bytes and nothing else',
    wrap: (header, payload) => Buffer.concat([header, payload]),
    unwrap: (bytes) => {
      if (bytes.length < 10) return undefined
      const start = headerBytes(bytes)
      // Exactly what a reader of the document can do: take the payload as whole once it is a JSON object.
      for (let end = start + 2; end <= bytes.length; end++) {
        if (bytes[end - 1] !== 0x7d) continue
        try {
          JSON.parse(bytes.subarray(start, end).toString())
        } catch {
          continue
        }
        return { header: bytes.subarray(0, start), payload: bytes.subarray(start, end), size: end }
      }
      return undefined
    },
  },
]

class DocumentedClient {
  readonly #socket: Socket
  readonly #form: Form
  readonly #closed = new AbortController()
  #arrived: Buffer = Buffer.alloc(0)
  session = ''

  constructor(path: string, form: Form) {
    this.#form = form
    this.#socket = connect(path)
    this.#socket.once('close', () => this.#closed.abort(new Error('the server closed')))
    this.#socket.on('data', (chunk) => {
      this.#arrived = Buffer.concat([this.#arrived, chunk])
      this.#socket.emit('progress')
    })
  }

  async request(type: number, payload: object): Promise<Message> {
    const header = Buffer.alloc(10)
    header[0] = type
    header.writeBigUInt64BE(BigInt(Date.now()), 1)
    header[9] = this.session.length
    const body = Buffer.from(JSON.stringify(payload))
    this.#socket.write(this.#form.wrap(Buffer.concat([header, Buffer.from(this.session)]), body))
    for (;;) {
      const message = this.#form.unwrap(this.#arrived)
      if (message !== undefined) {
        this.#arrived = this.#arrived.subarray(message.size)
        const time = Number(message.header.readBigUInt64BE(1))
        expect(Math.abs(time - Date.now())).toBeLessThan(60_000)
        return {
          type: message.header.readUInt8(0),
          session: message.header.subarray(10).toString(),
          payload: JSON.parse(message.payload.toString()),
        }
      }
      await once(this.#socket, 'progress', { signal: this.#closed.signal })
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}

describe.each(FORMS)('form $name', (form) => {
  let home: TempHome
  let daemon: Child
  let client: DocumentedClient
  let credentials: { login: string; password: string }

  beforeAll(async () => {
    home = createTempHome()
    daemon = startNode(SECREGD, ['--dev', home.path])
    const { socket, admin } = JSON.parse(await daemon.line(/"ready":true/, { timeoutMs: 40_000 }))
    credentials = JSON.parse(readFileSync(admin, 'utf8'))
    client = new DocumentedClient(socket, form)
  })

  afterAll(async () => {
    client?.close()
    await daemon?.kill()
    home?.remove()
  })

  test('AuthRequest: a wrong password is told by success, then the right one opens a session', async () => {
    const { login: username, password } = credentials
    const wrong = await client.request(0x01, { username, password: 'not the password' })
    expect(wrong).toMatchObject({ type: 0x02, payload: { success: false } })
    expect(wrong.payload.session_id).toBeUndefined()
    const right = await client.request(0x01, { username, password })
    expect(right).toMatchObject({ type: 0x02, payload: { success: true, roles: ['admin'] } })
    expect(right.payload.session_id).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    client.session = right.payload.session_id
  })

  test('SetRequest and GetRequest: a plain value', async () => {
    const set = await client.request(0x05, {
      key: '/app/config/setting',
      value: 'newvalue',
      type: 'string',
      encrypt: false,
    })
    expect(set).toMatchObject({ type: 0x06, session: '', payload: { success: true } })
    const get = await client.request(0x03, { key: '/app/config/setting', decrypt: true })
    expect(get).toMatchObject({
      type: 0x04,
      payload: { value: 'newvalue', type: 'string', encrypted: false },
    })
  })

  test('SetRequest and GetRequest: an encrypted value is there only with decrypt', async () => {
    const key = '/app/secret/api_key'
    const value = 'secret "with" {braces} and \\ back\u00e9slash'
    const set = await client.request(0x05, { key, value, type: 'string', encrypt: true })
    expect(set).toMatchObject({ type: 0x06, payload: { success: true } })
    const kept = await client.request(0x03, { key, decrypt: false })
    expect(kept).toMatchObject({ type: 0x04, payload: { encrypted: true, type: 'string' } })
    expect(kept.payload.value ?? null).toBeNull()
    const told = await client.request(0x03, { key, decrypt: true })
    expect(told).toMatchObject({ type: 0x04, payload: { value, encrypted: true } })
  })

  test('ListRequest: recursive gives keys, not recursive gives direct children', async () => {
    const all = await client.request(0x09, { prefix: '/app/', recursive: true })
    expect(all).toMatchObject({
      type: 0x0a,
      payload: { keys: ['/app/config/setting', '/app/secret/api_key'] },
    })
    const direct = await client.request(0x09, { prefix: '/app/', recursive: false })
    expect(direct).toMatchObject({ payload: { keys: ['/app/config/', '/app/secret/'] } })
  })

  test('DeleteRequest, and ErrorResponse for what is gone', async () => {
    const gone = await client.request(0x07, { key: '/app/config/setting' })
    expect(gone).toMatchObject({ type: 0x08, payload: { success: true } })
    const get = await client.request(0x03, { key: '/app/config/setting', decrypt: false })
    expect(get).toMatchObject({
      type: 0xff,
      payload: { code: 2, name: 'NotFound', reason: 'ENTRY_DELETED', request_type: 3 },
    })
    const again = await client.request(0x07, { key: '/app/config/setting' })
    expect(again).toMatchObject({ type: 0xff, payload: { code: 2 } })
  })
})
