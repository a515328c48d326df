/**
 * Payload of the change row of a commit, as JSON, its members in this order:
 *
 * ```
 * {"t":<time of the commit, ms>,"n":<events up to and with it, since the store began>,"e":[<events, in order>]}
 * ```
 * No event holds a raw quotation mark but those of JSON itself, and behind the one that ends a text comes no letter: so
 * `},{"op":"` in the bytes is a boundary between two events, and a large row is read in pieces, from any boundary on.
 */
import { type ChangeEvent, SecregError } from '@secreg/protocol'
import type { Engine, MaybePromise } from '@secreg/storage'
import { forEachInSlices, jsonInSlices } from './slices.ts'

/** What a change row says beside its events. */
export interface ChangeHeader {
  /** Milliseconds since the epoch, of a clock that may have been wrong. */
  readonly timeMs: number
  readonly count: number
}

/** Some events of a change row. */
export interface ChangePiece {
  readonly events: readonly ChangeEvent[]
  /** Byte at which the next piece begins; `undefined` when there is none. */
  readonly next: number | undefined
}

/** Events from which the payload is made in slices. */
const MANY = 2000
/** Bytes that hold every header. */
const HEADER_BYTES = 64
const HEADER = /^\{"t":(-?\d{1,16}),"n":(\d{1,16}),"e":\[/
const END = ']}'.length
const BOUNDARY = '},{"op":"'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeChange(
  { timeMs, count }: ChangeHeader,
  events: readonly ChangeEvent[],
): MaybePromise<Uint8Array> {
  const head = `{"t":${Math.trunc(timeMs)},"n":${count},"e":`
  return events.length < MANY
    ? encoder.encode(`${head}${JSON.stringify(events)}}`)
    : inSlices(head, events)
}

/** @throws SecregError `ERR_STORAGE_CORRUPT` */
export function decodeChangeHeader(payload: Uint8Array): ChangeHeader {
  const [, time, count] = matchHeader(payload)
  return { timeMs: Number(time), count: Number(count) }
}

/**
 * Read the events from a byte on, some of them where they are many.
 *
 * @param bytesAtOnce - after which a piece ends, with the event that they end in
 * @param from - `next` of the piece before, 0 for the first
 * @throws SecregError `ERR_STORAGE_CORRUPT`
 */
export function decodeChangePiece(
  payload: Uint8Array,
  from: number,
  bytesAtOnce: number = Number.POSITIVE_INFINITY,
): ChangePiece {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  const start = from === 0 ? matchHeader(payload)[0].length : from
  const boundary = bytes.indexOf(BOUNDARY, Math.min(start + bytesAtOnce, bytes.length))
  const end = boundary === -1 ? bytes.length - END : boundary + 1
  try {
    const events = JSON.parse(`[${decoder.decode(bytes.subarray(start, end))}]`) as ChangeEvent[]
    return { events, next: boundary === -1 ? undefined : boundary + 2 }
  } catch (cause) {
    throw unreadable(cause)
  }
}

/** Events since the store began, as its last change row tells; 0 where none is kept. */
export async function readChangeCount(engine: Engine): Promise<number> {
  return (await readLastChange(engine))?.count ?? 0
}

/** What the last change row says that has a payload; `undefined` where none is kept. */
export async function readLastChange(engine: Engine): Promise<ChangeHeader | undefined> {
  const { head, trimmed } = engine
  // Rows without a payload are few in a row, so the last one with it is near.
  for (let rows = 1; ; rows *= 2) {
    const after = Math.max(trimmed, head - rows)
    let last: ChangeHeader | undefined
    for await (const { payload } of engine.changes(after)) {
      if (payload !== undefined) last = decodeChangeHeader(payload)
    }
    if (last !== undefined || after === trimmed) return last
  }
}

function matchHeader(payload: Uint8Array): RegExpExecArray {
  const match = HEADER.exec(Buffer.from(payload.subarray(0, HEADER_BYTES)).toString('latin1'))
  if (match === null) throw unreadable()
  return match
}

async function inSlices(head: string, events: readonly ChangeEvent[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const texts = [head, ...(await jsonInSlices(events)), '}']
  await forEachInSlices(texts, (text) => pieces.push(encoder.encode(text)))
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  await forEachInSlices(pieces, (piece) => {
    bytes.set(piece, at)
    at += piece.length
  })
  return bytes
}

function unreadable(cause?: unknown): SecregError {
  return new SecregError('STORAGE_CORRUPT', 'a change row of the store cannot be read', { cause })
}
