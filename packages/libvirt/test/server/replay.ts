/** Plays what recorded clients sent to a server over secrets in memory, in the order of the recording. */
import { type SecretsPort, type ServeLibvirtOptions, serveLibvirt } from '@secreg/libvirt/server'
import { loadJsonLines } from '@secreg/testkit'
import { ERROR } from '../../src/wire/error-struct.ts'
import { type Frame, readBody } from '../../src/wire/frame.ts'
import { FrameReader } from '../../src/wire/frame-reader.ts'
import { keepaliveOf } from '../../src/wire/keepalive.ts'
import { LibvirtError } from '../../src/wire/libvirt-error.ts'
import { PROCEDURES } from '../../src/wire/procedures.ts'
import { parseSecretXml } from '../../src/xml/parse-secret-xml.ts'
import type { MemorySecrets } from '../memory-port.ts'
import { ManualTimers, MemoryConnection, settled } from './memory-connection.ts'

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

/** A call and what it was answered: in the first line `OK` or the error, then the bytes. */
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

export interface ReplayOptions {
  readonly port: SecretsPort
  readonly secrets: MemorySecrets
  readonly serve?: Partial<ServeLibvirtOptions>
  /** What was done over another connection as soon as this one waited for events. */
  readonly meanwhile?: () => Promise<void>
  /** Compare errors by code, domain and detail, as other versions have other templates. */
  readonly looseErrors?: boolean
}

export async function replay(lines: readonly Line[], options: ReplayOptions): Promise<Replayed> {
  const connection = new MemoryConnection()
  serveLibvirt(connection, {
    portOf: () => options.port,
    readOnly: false,
    timers: new ManualTimers(),
    ...options.serve,
  })
  const recorded = framesOf(lines.filter(({ dir }) => dir === 's2c'))
  const calls: Frame[] = []
  let pings = 0
  let { meanwhile } = options
  for (const { dir, bytes } of lines) {
    const [frame] = framesOf([{ dir, bytes }])
    if (dir === 's2c') {
      if (frame?.type !== 2 || keepaliveOf(frame) !== undefined) continue
      await meanwhile?.()
      meanwhile = undefined
      continue
    }
    let sent = bytes
    if (frame?.type === 0) {
      calls.push(frame)
      takeUuid(frame, recorded, options.secrets)
      sent = ownCallback(frame, bytes, recorded, connection)
    }
    if (frame !== undefined && keepaliveOf(frame) === 'ping') pings++
    connection.arrive(sent)
    await settled()
  }
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

/** The XML of a file that a command names, as another command sent it. */
export function recordedXml(name: string): string {
  const xml = XML_FILES.get(name)
  if (xml !== undefined) return xml
  for (const { cmd, files } of INDEX) {
    const [file] = files
    if (file === undefined || !cmd.startsWith('virsh secret-define') || !cmd.endsWith(` ${name}`)) {
      continue
    }
    for (const call of framesOf(transcript(file))) {
      if (call.type === 0 && call.procedure === PROCEDURES.secretDefineXml.number) {
        return readBody(PROCEDURES.secretDefineXml.args, call.body).xml
      }
    }
  }
  throw new Error(`no XML of ${name}`)
}

/** What a command over an unrecorded connection did; that it failed is no fault. */
export async function perform(
  command: string,
  port: SecretsPort,
  xmlOf: (name: string) => string,
): Promise<void> {
  const [, verb = '', ...args] = command.slice(command.indexOf('virsh')).split(' ')
  if (verb === 'secret-define') {
    const validate = args[0] === '--validate'
    const xml = xmlOf(args[validate ? 1 : 0] ?? '')
    await attempt(async () => await port.define(parseSecretXml(xml, { validate })))
  } else if (args.includes('empty')) {
    // The client refuses it.
  } else if (verb === 'secret-set-value') {
    const value = args[1] === '--base64' ? Buffer.from(args[2] ?? '', 'base64') : FILE_VALUE
    await port.setValue(args[0] ?? '', value)
  } else if (verb === 'secret-undefine') {
    await port.undefine(args[0] ?? '')
  } else if (!READING.has(verb)) {
    throw new Error(`unknown command: ${command}`)
  }
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!LibvirtError.is(error)) throw error
  }
}

const XML_FILES: ReadonlyMap<string, string> = new Map([
  [
    'ev.xml',
    "<secret ephemeral='yes'><uuid>44444444-4444-4444-8444-000000000001</uuid><usage type='tls'><name>ev</name></usage></secret>",
  ],
])
const FILE_VALUE = Uint8Array.of(0, 1, 2, 0xfd, 0xfe, 0xff)
const READING: ReadonlySet<string> = new Set([
  'secret-get-value',
  'secret-list',
  'secret-dumpxml',
  'hostname',
  '-r',
])

function framesOf(lines: readonly Line[]): Frame[] {
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
function takeUuid(call: Frame, recorded: readonly Frame[], secrets: MemorySecrets): void {
  if (call.procedure !== PROCEDURES.secretDefineXml.number) return
  secrets.randomUuid = () => crypto.randomUUID()
  const reply = takeReplies(recorded)(call)
  if (reply?.status !== 0) return
  const { secret } = readBody(PROCEDURES.secretDefineXml.result, reply.body)
  secrets.randomUuid = () => secret.uuid
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
      return `OK\n${head} ${ret} ${told.join(', ')}`
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

function messages(frames: readonly Frame[]): string[] {
  return frames
    .filter((frame) => frame.type === 2 && keepaliveOf(frame) === undefined)
    .map(
      ({ procedure, serial, status, body }) =>
        `${procedure} ${serial} ${status} ${Buffer.from(body.subarray(4)).toString('hex')}`,
    )
}
