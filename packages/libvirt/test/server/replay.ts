/** Plays what a recorded client sent to a server over secrets of a store. */
import { type SecretsPort, type ServeLibvirtOptions, serveLibvirt } from '@secreg/libvirt/server'
import { loadJsonLines } from '@secreg/testkit'
import { ERROR } from '../../src/wire/error-struct.ts'
import { type Frame, readBody } from '../../src/wire/frame.ts'
import { FrameReader } from '../../src/wire/frame-reader.ts'
import { keepaliveOf } from '../../src/wire/keepalive.ts'
import { PROCEDURES } from '../../src/wire/procedures.ts'
import { ManualTimers, MemoryConnection, settled } from './memory-connection.ts'

const LONGEST_MS = 10_000
const VECTORS = new URL('../vectors/', import.meta.url)

export interface IndexRow {
  readonly seq: number
  readonly files: readonly string[]
  readonly cmd: string
}

export const INDEX: readonly IndexRow[] = loadJsonLines<IndexRow>(new URL('index.jsonl', VECTORS))

interface Line {
  readonly dir: 'c2s' | 's2c'
  readonly bytes: Uint8Array
}

/** One recorded connection. */
export function transcript(file: string): Line[] {
  return loadJsonLines<{ dir: 'c2s' | 's2c'; hex: string }>(
    new URL(`transcripts/${file}`, VECTORS),
  ).map(({ dir, hex }) => ({ dir, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) }))
}

/** A call and what it was answered: in the first line `OK` or the error, then the bytes; a secret of a list is a line. */
export interface Answered {
  readonly procedure: number
  readonly serial: number
  readonly recorded: string
  readonly ours: string
}

export interface Replayed {
  readonly answers: readonly Answered[]
  /** Bodies of messages, without the numbers of callbacks. */
  readonly recordedMessages: readonly string[]
  readonly ourMessages: readonly string[]
  /** Answers to PING. */
  readonly pings: number
  readonly pongs: number
  readonly isClosed: boolean
}

/** Secrets that what was recorded is played to. */
export interface ReplayedStore {
  /** As they are to whoever may do everything but read private values. */
  port(): SecretsPort
  /** To whoever may read those too. */
  elevated(): SecretsPort
  /** To whoever may only look. */
  looking(): SecretsPort
  /** Makes the UUID of a draft without one. */
  newUuid: () => string
  /** Start anew, which loses what is ephemeral. */
  restart(): Promise<void>
  /** Every event of what has been done has been told. */
  settle(): Promise<void>
  close(): Promise<void>
}

export interface ReplayOptions {
  readonly port: SecretsPort
  readonly store: ReplayedStore
  readonly serve?: Partial<ServeLibvirtOptions>
  /** What was done over another connection as soon as this one waited for events. */
  readonly meanwhile?: () => Promise<void>
  /** Compare errors by code, domain and detail, as other versions have other templates. */
  readonly looseErrors?: boolean
}

export async function replay(lines: readonly Line[], options: ReplayOptions): Promise<Replayed> {
  const connection = new MemoryConnection()
  let answered = 0
  serveLibvirt(connection, {
    portOf: () => options.port,
    readOnly: false,
    timers: new ManualTimers(),
    onCall: () => answered++,
    ...options.serve,
  })
  const recorded = framesOf(lines.filter(({ dir }) => dir === 's2c'))
  const calls: Frame[] = []
  let pings = 0
  let told = 0
  let { meanwhile } = options
  for (const { dir, bytes } of lines) {
    const [frame] = framesOf([{ dir, bytes }])
    if (dir === 's2c') {
      if (frame?.type !== 2 || keepaliveOf(frame) !== undefined) continue
      await meanwhile?.()
      meanwhile = undefined
      told++
      await until(() => messages(connection.frames()).length >= told)
      continue
    }
    let sent = bytes
    if (frame?.type === 0) {
      calls.push(frame)
      takeUuid(frame, recorded, options.store)
      sent = ownCallback(frame, bytes, recorded, connection)
    }
    if (frame !== undefined && keepaliveOf(frame) === 'ping') pings++
    connection.arrive(sent)
    await until(() => answered >= calls.length || connection.isEnding || connection.isDestroyed)
    await settled()
  }
  await options.store.settle()
  await settled()
  const ours = connection.frames()
  const recordedReply = takeReplies(recorded)
  const ourReply = takeReplies(ours)
  return {
    answers: calls.map((call) => ({
      procedure: call.procedure,
      serial: call.serial,
      recorded: textOf(call, recordedReply(call), options),
      ours: textOf(call, ourReply(call), options),
    })),
    recordedMessages: messages(recorded),
    ourMessages: messages(ours),
    pings,
    pongs: ours.filter((frame) => keepaliveOf(frame) === 'pong').length,
    isClosed: connection.isDestroyed,
  }
}

/** The frames of what was sent, as far as it is frames. */
export function framesOf(lines: readonly Line[]): Frame[] {
  const reader = new FrameReader()
  const frames: Frame[] = []
  try {
    for (const { bytes } of lines) reader.push(bytes)
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
  } catch {
    // What was sent on purpose is no frame.
  }
  return frames
}

/** Replies one after another, by their calls; several calls may have one serial. */
function takeReplies(frames: readonly Frame[]): (call: Frame) => Frame | undefined {
  const left = frames.filter(({ type }) => type === 1)
  return (call) => {
    const at = left.findIndex(
      ({ serial, procedure }) => serial === call.serial && procedure === call.procedure,
    )
    return at === -1 ? undefined : left.splice(at, 1)[0]
  }
}

/** The UUIDs that were made up are made up again. */
function takeUuid(call: Frame, recorded: readonly Frame[], store: ReplayedStore): void {
  if (call.procedure !== PROCEDURES.secretDefineXml.number) return
  store.newUuid = () => crypto.randomUUID()
  const reply = takeReplies(recorded)(call)
  if (reply?.status !== 0) return
  const { secret } = readBody(PROCEDURES.secretDefineXml.result, reply.body)
  store.newUuid = () => secret.uuid
}

/** Callbacks have other numbers with us. */
function ownCallback(
  call: Frame,
  bytes: Uint8Array,
  recorded: readonly Frame[],
  connection: MemoryConnection,
): Uint8Array {
  if (call.procedure !== PROCEDURES.connectSecretEventDeregisterAny.number) return bytes
  const number = PROCEDURES.connectSecretEventRegisterAny.number
  const idOf = ({ body }: Frame): number => new DataView(body.slice().buffer).getInt32(0)
  const registered = recorded.filter(
    ({ procedure, status }) => procedure === number && status === 0,
  )
  const own = connection
    .frames()
    .filter(({ procedure, status }) => procedure === number && status === 0)
  const at = registered.findIndex((frame) => idOf(frame) === idOf(call))
  const ours = own[at]
  if (ours === undefined) return bytes
  const changed = bytes.slice()
  new DataView(changed.buffer).setInt32(28, idOf(ours))
  return changed
}

/** A reply as text that is equal when the bytes are, but for what is different each time. */
function textOf(
  call: Frame,
  reply: Frame | undefined,
  { looseErrors = false }: ReplayOptions,
): string {
  if (reply === undefined) return 'nothing'
  const { program, version, type, status, body } = reply
  const { connectListAllSecrets, connectListSecrets, connectSecretEventRegisterAny } = PROCEDURES
  const head = `${program} ${version} ${type} ${status}`
  const bytes = Buffer.from(body).toString('hex')
  if (status !== 0) {
    const { code, domain, str2 } = readBody(ERROR, body)
    return looseErrors ? `${code}/${domain} ${str2}` : `${code}/${domain} ${str2}\n${head} ${bytes}`
  }
  switch (reply.procedure) {
    case connectListAllSecrets.number: {
      const { secrets, ret } = readBody(connectListAllSecrets.result, body)
      const told = secrets.map((one) => `${one.uuid} ${one.usageType} ${one.usageId}`).sort()
      return ['OK', `${head} ${ret}`, ...told].join('\n')
    }
    case connectListSecrets.number: {
      const { uuids } = readBody(connectListSecrets.result, body)
      const { maxuuids } = readBody(connectListSecrets.args, call.body)
      // Which ones are left out goes by the order.
      const told = uuids.length === maxuuids ? uuids.length : [...uuids].sort().join(', ')
      return `OK\n${head} ${told}`
    }
    case connectSecretEventRegisterAny.number:
      return `OK\n${head} ${body.length}`
    default:
      return `OK\n${head} ${bytes}`
  }
}

/** Wait turn by turn, as most is there very soon; what is not there in time will be found missing. */
async function until(isSo: () => boolean): Promise<void> {
  const end = performance.now() + LONGEST_MS
  while (!isSo() && performance.now() < end) await new Promise((resolve) => setImmediate(resolve))
}

function messages(frames: readonly Frame[]): string[] {
  return frames
    .filter((frame) => frame.type === 2 && keepaliveOf(frame) === undefined)
    .map(
      ({ procedure, serial, status, body }) =>
        `${procedure} ${serial} ${status} ${Buffer.from(body.subarray(4)).toString('hex')}`,
    )
}
