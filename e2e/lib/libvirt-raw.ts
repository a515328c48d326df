/** Connections at a socket of libvirt that send whatever a test likes. */
import { connect, type Socket } from 'node:net'
import {
  type ArgsOf,
  ERROR,
  type Frame,
  FrameReader,
  type LibvirtError,
  PROCEDURES,
  type ProcedureKey,
  type ResultOf,
  readBody,
  writeCall,
} from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'

export class RawLibvirt implements Disposable {
  readonly socket: Socket
  /** What has come and was not taken. */
  readonly frames: Frame[] = []
  /** Settles once the server has closed. */
  readonly closed: Promise<void>
  isClosed = false
  readonly #reader = new FrameReader()
  #serial = 0

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(Uint8Array.from(chunk))
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
        this.frames.push(frame)
      }
    })
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.isClosed = true
        resolve()
      }
      socket.once('end', end)
      socket.once('close', end)
    })
  }

  /** @param options - `paused`: nothing is read until `socket.resume()` */
  static open(path: string, options: { readonly paused?: boolean } = {}): Promise<RawLibvirt> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path, allowHalfOpen: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        const raw = new RawLibvirt(socket)
        if (options.paused === true) socket.pause()
        resolve(raw)
      })
    })
  }

  /** Open it and the secrets behind it. */
  static async ready(path: string, flags = 0): Promise<RawLibvirt> {
    const raw = await RawLibvirt.open(path)
    await raw.ok('connectOpen', { name: 'secret:///system', flags })
    return raw
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The bytes of a call. */
  frame<K extends ProcedureKey>(key: K, args: ArgsOf<K>): Uint8Array {
    return writeCall(key, args, this.#serial++)
  }

  /** The next frame, in the order of arrival. */
  async next(): Promise<Frame> {
    await waitFor(() => this.frames.length > 0 || this.isClosed, { intervalMs: 1, what: 'a frame' })
    const frame = this.frames.shift()
    if (frame === undefined) throw new Error('the server closed')
    return frame
  }

  async ask<K extends ProcedureKey>(key: K, args: ArgsOf<K>): Promise<Frame> {
    this.write(this.frame(key, args))
    return this.next()
  }

  /** Ask, and give what a success answers. */
  async ok<K extends ProcedureKey>(key: K, args: ArgsOf<K>): Promise<ResultOf<K>> {
    const frame = await this.ask(key, args)
    if (frame.status !== 0) throw new Error(`${key}: ${errorOf(frame).str2}`)
    return readBody(PROCEDURES[key].result, frame.body) as ResultOf<K>
  }

  /** Ask, and give the code and the detail of the refusal. */
  async refused<K extends ProcedureKey>(
    key: K,
    args: ArgsOf<K>,
  ): Promise<readonly [code: number, detail: string | undefined]> {
    const frame = await this.ask(key, args)
    if (frame.status === 0) throw new Error(`${key} was not refused`)
    const { code, str2 } = errorOf(frame)
    return [code, str2]
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** The error that a frame carries. */
export function errorOf({ body }: Pick<Frame, 'body'>): LibvirtError {
  return readBody(ERROR, body)
}
