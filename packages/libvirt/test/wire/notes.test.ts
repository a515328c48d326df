import {
  ERROR_STRUCT,
  FrameReader,
  MESSAGES,
  messageKey,
  PROCEDURES,
  procedureKey,
  readBody,
  type TypedParam,
  type XdrType,
} from '@secreg/libvirt'
import { expect, test } from 'vitest'
import { hexOf, recordedFrames } from './recorded.ts'

const NOTE = /(?<kind>CALL|REPLY|MESSAGE) serial=\d+ (?<status>OK|ERROR) (?<json>\{.*\})$/s

/** A value of 65,537 bytes, which the recorder read all the same. */
const TOO_LONG = 'raw-edge-cases:25'

/** Names the notes use for fields. */
const FIELDS: Readonly<Record<string, string>> = {
  usageId: 'usageID',
  eventId: 'eventID',
  callbackId: 'callbackID',
  needResults: 'need_results',
  libVersion: 'lib_ver',
}

/** A value in the form of the notes. */
function noted(value: unknown): unknown {
  if (value === undefined) return null
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint8Array) return notedBytes(value)
  if (Array.isArray(value)) return value.map(noted)
  if (typeof value !== 'object' || value === null) return value
  if ('field' in value) {
    const param = value as TypedParam
    return { [param.field]: noted(param.value) }
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [FIELDS[name] ?? name, noted(field)]),
  )
}

/** Long values are shortened there. */
function notedBytes(value: Uint8Array): string {
  const hex = hexOf(value)
  return `${hex.length > 96 ? `${hex.slice(0, 96)}...` : hex}(${value.length}B)`
}

test('what is read is what the recorder read', () => {
  let compared = 0
  for (const { at, bytes, note } of recordedFrames()) {
    const { kind, status, json } = NOTE.exec(note)?.groups ?? {}
    if (json === undefined || at === TOO_LONG) continue
    const wanted: unknown = JSON.parse(json)
    const reader = new FrameReader()
    reader.push(bytes)
    const frame = reader.next()
    if (frame === undefined) throw new Error(`${at}: no frame`)
    const key = procedureKey(frame.procedure)
    const message = messageKey(frame.procedure)
    let type: unknown
    if (status === 'ERROR') type = ERROR_STRUCT
    else if (kind === 'MESSAGE') type = message && MESSAGES[message].body
    else type = key && PROCEDURES[key][kind === 'CALL' ? 'args' : 'result']
    expect(noted(readBody(type as XdrType<unknown>, frame.body)), at).toEqual(wanted)
    compared++
  }
  expect(compared).toBe(2_377)
})
