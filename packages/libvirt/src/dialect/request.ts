/**
 * Requests of the dialect, as JSON objects: `{"description","usage_type","usage_id","ephemeral","private"}` of define,
 * `{"value"}` in base64 of set-value, `{}` of undefine. They come over a socket, from anybody.
 */
import { LIMITS, parseValue, SecregError, type TypedValue } from '@secreg/protocol'
import type { SecretDefinition, SecretUsage } from '../secret/types.ts'
import { isXmlText } from '../xml/xml-text.ts'
import { isUsageType } from './usage.ts'

/** Longest value, bytes (libvirt, remote_protocol.x, REMOTE_SECRET_VALUE_MAX). */
export const MAX_VALUE_BYTES = 65_536

const DEFINE: ReadonlySet<string> = new Set([
  'description',
  'usage_type',
  'usage_id',
  'ephemeral',
  'private',
])
const SET_VALUE: ReadonlySet<string> = new Set(['value'])
const NOTHING: ReadonlySet<string> = new Set()

/** What a definition says of a secret, all of it: what is absent is taken away. */
export type Definition = Omit<SecretDefinition, 'uuid'>

/** The request of `define` that says it. */
export function defineRequest({
  description,
  usage,
  ephemeral,
  private: isPrivate,
}: Definition): Readonly<Record<string, unknown>> {
  return {
    ...(description === undefined ? {} : { description }),
    ...(usage.type === 'none' ? {} : { usage_type: usage.type, usage_id: usage.id }),
    ephemeral,
    private: isPrivate,
  }
}

/** @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_LIMIT_EXCEEDED` */
export function readDefine(request: unknown): Definition {
  const members = membersOf(request, DEFINE)
  const { description } = members
  if (description !== undefined && !isText(description))
    throw wrong('description must be a text of XML')
  if (description !== undefined && description.length > LIMITS.descriptionChars) {
    throw tooLong('description', LIMITS.descriptionChars)
  }
  return {
    ...(description === undefined || description === '' ? {} : { description }),
    usage: readUsage(members['usage_type'], members['usage_id']),
    ephemeral: readFlag(members['ephemeral'], 'ephemeral'),
    private: readFlag(members['private'], 'private'),
  }
}

/** @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_VALUE_INVALID`, `ERR_VALUE_TOO_LARGE` */
export function readSetValue(request: unknown): TypedValue {
  const { value } = membersOf(request, SET_VALUE)
  if (typeof value !== 'string') throw wrong('value must be base64')
  const typed = parseValue(value, 'bytes')
  if (typed.bytes.length === 0) throw wrong('a value has at least one byte')
  if (typed.bytes.length > MAX_VALUE_BYTES) {
    throw new SecregError('VALUE_TOO_LARGE', `a value must not exceed ${MAX_VALUE_BYTES} bytes`)
  }
  return typed
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` */
export function readNothing(request: unknown): void {
  membersOf(request, NOTHING)
}

function readUsage(type: unknown, id: unknown): SecretUsage {
  if (type === undefined || type === 'none') {
    if (id !== undefined && id !== '') throw wrong('usage_id needs a usage_type')
    return { type: 'none', id: '' }
  }
  if (!isUsageType(type)) throw wrong('usage_type must be none, volume, ceph, iscsi, tls or vtpm')
  if (!isText(id) || id === '') throw wrong('usage_id must be a text of XML that is not empty')
  if (id.length > LIMITS.metadataValueChars) throw tooLong('usage_id', LIMITS.metadataValueChars)
  return { type, id }
}

function readFlag(flag: unknown, name: string): boolean {
  if (flag !== undefined && typeof flag !== 'boolean') throw wrong(`${name} must be true or false`)
  return flag === true
}

function isText(input: unknown): input is string {
  return typeof input === 'string' && isXmlText(input)
}

function membersOf(
  request: unknown,
  allowed: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  const isObject = typeof request === 'object' && request !== null && !Array.isArray(request)
  // What was sent may hold a value, so it is not quoted.
  if (!isObject || Object.keys(request).some((name) => !allowed.has(name))) {
    throw wrong(`the request must be an object of ${[...allowed].join(', ') || 'nothing'}`)
  }
  return { ...request } as Readonly<Record<string, unknown>>
}

function wrong(text: string): SecregError {
  return new SecregError('INVALID_ARGUMENT', text)
}

function tooLong(name: string, most: number): SecregError {
  return new SecregError('LIMIT_EXCEEDED', `${name} has at most ${most} characters`)
}
