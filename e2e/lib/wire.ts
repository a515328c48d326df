/** Raw bytes on the registry socket: frames in the three forms, without any code of the project. */
import { connect, type Socket } from 'node:net'

/** `length`: outer length; `inline`: payload length before the payload; `naked`: the documented bytes alone. */
export type Form = 'length' | 'inline' | 'naked'

/** Types of the documented requests, and of ours. */
export const TYPE = {
  auth: 0x01,
  get: 0x03,
  set: 0x05,
  delete: 0x07,
  list: 0x09,
  hello: 0x40,
  logout: 0x42,
  status: 0x44,
  audit: 0x46,
  export: 0x48,
  import: 0x4a,
  seal: 0x52,
  user: 0x5a,
  whoami: 0x5c,
  password: 0x5e,
  security: 0x60,
  dialect: 0x4c,
  txn: 0x4e,
  history: 0x50,
  watch: 0x54,
  unwatch: 0x56,
  search: 0x58,
  versions: 0x62,
  meta: 0x64,
  transfer: 0x66,
  mount: 0x68,
  protector: 0x6a,
  rotate: 0x6c,
  backup: 0x6e,
  restore: 0x70,
  maintain: 0x72,
  policy: 0x74,
  group: 0x76,
  token: 0x78,
  zone: 0x7a,
  mfa: 0x7c,
  evidence: 0x7e,
  secrets: 0x82,
} as const

export type RequestKind = keyof typeof TYPE

export const ERROR = 0xff
/** What the daemon sends without a request. */
export const PUSH = 0x80

/** An answer. */
export interface Reply {
  readonly type: number
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  readonly body: any
}

export interface FrameOptions {
  readonly session?: string
  readonly form?: Form
}

/** Bytes of one request; a payload that is not an object is sent as it is. */
export function frameOf(
  kind: RequestKind | number,
  payload: object | string | Buffer,
  { session = '', form = 'length' }: FrameOptions = {},
): Buffer {
  const body =
    typeof payload === 'string' || Buffer.isBuffer(payload)
      ? Buffer.from(payload as string)
      : Buffer.from(JSON.stringify(payload))
  const header = Buffer.alloc(10)
  header.writeUInt8(typeof kind === 'number' ? kind : TYPE[kind], 0)
  header.writeBigUInt64BE(BigInt(Date.now()), 1)
  header.writeUInt8(session.length, 9)
  const id = Buffer.from(session, 'latin1')
  if (form === 'naked') return Buffer.concat([header, id, body])
  const length = Buffer.alloc(4)
  if (form === 'inline') {
    length.writeUInt32BE(body.length)
    return Buffer.concat([header, id, length, body])
  }
  length.writeUInt32BE(header.length + id.length + body.length)
  return Buffer.concat([length, header, id, body])
}

/** One connection. */
export class Wire implements Disposable {
  readonly socket: Socket
  readonly #form: Form
  readonly #replies: Reply[] = []
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = []
  #bytes: Buffer = Buffer.alloc(0)
  #ended = false
  /** Session id that requests carry. */
  session = ''
  /** Takes what is pushed; without it, that is among the answers. */
  // biome-ignore lint/suspicious/noExplicitAny: a message is whatever the server sent
  onPush: ((body: any) => void) | undefined
  /** Answers that have arrived in all. */
  received = 0
  /** Resolves once the server has closed. */
  readonly closed: Promise<void>

  private constructor(socket: Socket, form: Form) {
    this.socket = socket
    this.#form = form
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.#ended = true
        for (const { reject } of this.#waiting.splice(0)) reject(new Error('the server closed'))
        resolve()
      }
      socket.once('end', end)
      socket.once('close', end)
    })
  }

  static open(path: string, options: { form?: Form; allowHalfOpen?: boolean } = {}): Promise<Wire> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path, allowHalfOpen: options.allowHalfOpen ?? false })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Wire(socket, options.form ?? 'length'))
      })
    })
  }

  /** Open and log in. */
  static async login(path: string, login: string, password: string, form?: Form): Promise<Wire> {
    const wire = await Wire.open(path, form === undefined ? {} : { form })
    await wire.login(login, password)
    return wire
  }

  async login(login: string, password: string): Promise<void> {
    const { body } = await this.ask('auth', { username: login, password })
    if (body.success !== true) throw new Error(`login refused: ${JSON.stringify(body)}`)
    this.session = body.session_id
  }

  frame(kind: RequestKind | number, payload: object | string | Buffer): Buffer {
    return frameOf(kind, payload, { session: this.session, form: this.#form })
  }

  send(kind: RequestKind | number, payload: object | string | Buffer): void {
    this.socket.write(this.frame(kind, payload))
  }

  /** The next answer, in the order of arrival. */
  next(): Promise<Reply> {
    const reply = this.#replies.shift()
    if (reply !== undefined) return Promise.resolve(reply)
    if (this.#ended) return Promise.reject(new Error('the server closed'))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  async ask(kind: RequestKind | number, payload: object | string | Buffer): Promise<Reply> {
    this.send(kind, payload)
    return this.next()
  }

  /** Ask, and give the body of a success. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  async ok(kind: RequestKind, payload: object): Promise<any> {
    const { type, body } = await this.ask(kind, payload)
    if (type !== TYPE[kind] + 1) throw new Error(`${kind}: ${JSON.stringify(body)}`)
    return body
  }

  /** Ask, and give the body of an error. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  async refused(kind: RequestKind | number, payload: object | string | Buffer): Promise<any> {
    const { type, body } = await this.ask(kind, payload)
    if (type !== ERROR) throw new Error(`${kind} was not refused: ${JSON.stringify(body)}`)
    return body
  }

  close(): void {
    this.socket.destroy()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #read(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    for (;;) {
      const taken = takeReply(this.#bytes, this.#form)
      if (taken === undefined) return
      this.#bytes = this.#bytes.subarray(taken.end)
      if (taken.reply.type === PUSH && this.onPush !== undefined) {
        this.onPush(taken.reply.body)
        continue
      }
      this.received++
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.#replies.push(taken.reply)
      else waiting.resolve(taken.reply)
    }
  }
}

function takeReply(bytes: Buffer, form: Form): { reply: Reply; end: number } | undefined {
  let at = 0
  let end: number
  if (form === 'length') {
    if (bytes.length < 4) return undefined
    end = 4 + bytes.readUInt32BE(0)
    at = 4
    if (bytes.length < end) return undefined
    return {
      reply: {
        type: bytes[at] as number,
        body: JSON.parse(`${bytes.subarray(at + 10 + (bytes[at + 9] as number), end)}`),
      },
      end,
    }
  }
  if (bytes.length < 10) return undefined
  const type = bytes[0] as number
  const payload = 10 + (bytes[9] as number)
  if (form === 'inline') {
    if (bytes.length < payload + 4) return undefined
    end = payload + 4 + bytes.readUInt32BE(payload)
    if (bytes.length < end) return undefined
    return { reply: { type, body: JSON.parse(`${bytes.subarray(payload + 4, end)}`) }, end }
  }
  // The shortest text that is a whole JSON object: a closing brace outside of texts that ends the first one.
  end = endOfObject(bytes, payload)
  if (end < 0) return undefined
  return { reply: { type, body: JSON.parse(`${bytes.subarray(payload, end)}`) }, end }
}

function endOfObject(bytes: Buffer, from: number): number {
  let depth = 0
  let inText = false
  for (let i = from; i < bytes.length; i++) {
    const byte = bytes[i]
    if (inText) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b) depth++
    else if (byte === 0x7d && --depth === 0) return i + 1
  }
  return -1
}
