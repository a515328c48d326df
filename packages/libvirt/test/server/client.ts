/** A client that sends what it is told to, and what it was sent. */
import { type ServedLibvirt, type ServeLibvirtOptions, serveLibvirt } from '@secreg/libvirt/server'
import { ERROR } from '../../src/wire/error-struct.ts'
import { type Frame, readBody, writeFrame } from '../../src/wire/frame.ts'
import type { LibvirtError } from '../../src/wire/libvirt-error.ts'
import {
  type ArgsOf,
  PROCEDURES,
  type Procedure,
  type ProcedureKey,
  type ResultOf,
} from '../../src/wire/procedures.ts'
import { writeCall } from '../../src/wire/remote-frames.ts'
import { NOTHING } from '../../src/wire/xdr-type.ts'
import { MemorySecrets } from '../memory-port.ts'
import { ManualTimers, MemoryConnection, settled } from './memory-connection.ts'

export const A = '11111111-1111-4111-8111-000000000001'
export const B = '11111111-1111-4111-8111-000000000002'

export class Client {
  readonly connection = new MemoryConnection()
  readonly timers = new ManualTimers()
  readonly secrets = new MemorySecrets()
  readonly served: ServedLibvirt
  #serial = 0
  #at = 0

  constructor(options: Partial<ServeLibvirtOptions> = {}) {
    this.served = serveLibvirt(this.connection, {
      portOf: () => this.secrets.port(),
      readOnly: false,
      timers: this.timers,
      ...options,
    })
  }

  /** @returns the serial */
  send<K extends ProcedureKey>(key: K, args: ArgsOf<K>): number {
    const serial = this.#serial++
    this.connection.arrive(writeCall(key, args, serial))
    return serial
  }

  sendRaw(header: Partial<Frame>, body: Uint8Array = new Uint8Array(0)): void {
    const frame = writeFrame(
      {
        program: 0x2000_8086,
        version: 1,
        procedure: 139,
        type: 0,
        serial: 77,
        status: 0,
        ...header,
      },
      NOTHING,
      undefined,
    )
    const bytes = new Uint8Array(frame.length + body.length)
    bytes.set(frame)
    bytes.set(body, frame.length)
    new DataView(bytes.buffer).setUint32(0, bytes.length)
    this.connection.arrive(bytes)
  }

  /** Send a call and wait for its reply. @throws the error of the reply */
  async call<K extends ProcedureKey>(key: K, args: ArgsOf<K>): Promise<ResultOf<K>> {
    const serial = this.send(key, args)
    await settled()
    const reply = this.connection
      .frames()
      .findLast((frame) => frame.type === 1 && frame.serial === serial)
    if (reply === undefined) throw new Error(`no reply to ${key}`)
    if (reply.status !== 0) throw readBody(ERROR, reply.body)
    const procedure: Procedure<ArgsOf<K>, ResultOf<K>> = PROCEDURES[key]
    return readBody(procedure.result, reply.body)
  }

  async refusal<K extends ProcedureKey>(key: K, args: ArgsOf<K>): Promise<string> {
    try {
      await this.call(key, args)
    } catch (error) {
      return told(error as LibvirtError)
    }
    return 'OK'
  }

  async open(flags = 0): Promise<void> {
    await this.call('connectOpen', { name: 'secret:///system', flags })
    this.news()
  }

  /** Frames since the last time. */
  news(): Frame[] {
    const frames = this.connection.frames()
    const news = frames.slice(this.#at)
    this.#at = frames.length
    return news
  }

  /** They in words: `reply 3`, `error 3: 39/7 unknown procedure: 9`, `message 382`. */
  story(): string[] {
    return this.news().map((frame) => {
      if (frame.type === 2) return `message ${frame.procedure}`
      if (frame.status === 0) return `reply ${frame.serial}`
      return `error ${frame.serial}: ${told(readBody(ERROR, frame.body))}`
    })
  }
}

export const handle = (
  uuid: string,
): { readonly uuid: string; readonly usageType: number; readonly usageId: string } => ({
  uuid,
  usageType: 0,
  usageId: '',
})

export const xmlOf = (uuid: string, more = ''): string =>
  `<secret><uuid>${uuid}</uuid>${more}</secret>`

function told({ code, domain, message }: LibvirtError): string {
  return `${code}/${domain} ${message}`
}
