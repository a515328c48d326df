/**
 * A transaction from JSON, checked member by member: what is wrong is named by its place, and never quoted, for it may
 * be a secret. Whether paths and values are valid is for the daemon to say.
 */
import { LIMITS, type RequestOf, SecregError } from '@secreg/protocol'
import { decodePayload } from '@secreg/wire-codec'
import { CliError } from './errors.ts'
import { printable } from './escape.ts'

type Transaction = RequestOf<'txn'>

/** Tells what a member must be, or `undefined` when it is that. */
type Check = (value: unknown) => string | undefined

const text: Check = (value) => (typeof value === 'string' ? undefined : 'a text')
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false')
const whole: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'a whole number from 0 on'
const ttl: Check = (value) =>
  whole(value) === undefined && (value as number) <= LIMITS.ttlSeconds
    ? undefined
    : `seconds up to ${LIMITS.ttlSeconds}`
const anyValue: Check = (value) => (value === null ? 'a value' : undefined)
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string) ? undefined : `one of ${words.join(', ')}`

type Members = Readonly<Record<string, Check>>

const TOP: readonly string[] = ['compare', 'then', 'else']

/** Members of a comparison beside the key, by the one that says what is compared. */
const COMPARISONS: Readonly<Record<string, Members>> = {
  revision: { revision: whole, is: oneOf('=', '!=', '<', '>') },
  version: { version: whole, is: oneOf('=', '!=', '<', '>') },
  absent: { absent: flag },
  value: { value: anyValue, type: text, is: oneOf('=', '!=') },
}

const OPERATIONS: Readonly<Record<string, Members>> = {
  get: { decrypt: flag },
  set: {
    value: anyValue,
    type: text,
    encrypt: flag,
    if_version: whole,
    if_revision: whole,
    if_type: text,
    ttl_s: ttl,
    private: flag,
    ephemeral: flag,
  },
  delete: {},
}

/**
 * Read a transaction.
 *
 * @param bytes - JSON in UTF-8
 * @throws CliError `INVALID_ARGUMENT` with the place of what is wrong
 */
export function readTransaction(bytes: Uint8Array): Transaction {
  const document = decode(bytes)
  for (const name of Object.keys(document)) {
    if (!TOP.includes(name)) throw unknown('', name, TOP)
  }
  for (const name of TOP) {
    if (!Object.hasOwn(document, name)) continue
    const list = document[name]
    if (!Array.isArray(list)) throw wrong(name, 'must be a list')
    if (list.length > LIMITS.txnOperations) {
      throw wrong(name, `must have at most ${LIMITS.txnOperations} members`)
    }
    for (const [index, item] of list.entries()) {
      const place = `${name}[${index}]`
      const members = objectAt(item, place)
      if (name === 'compare') checkComparison(members, place)
      else checkOperation(members, place)
    }
  }
  return document as Transaction
}

function decode(bytes: Uint8Array): Record<string, unknown> {
  try {
    if (bytes.length > 0) return decodePayload(bytes)
  } catch (error) {
    if (!SecregError.is(error)) throw error
    // Its messages name no part of the text.
    throw wrong('', error.message.replace(/^payload: /, ''))
  }
  throw wrong('', 'expected JSON')
}

function objectAt(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(place, 'must be an object')
  }
  return value as Record<string, unknown>
}

function checkComparison(members: Record<string, unknown>, place: string): void {
  const kinds = Object.keys(COMPARISONS)
  const [kind, another] = kinds.filter((name) => Object.hasOwn(members, name))
  if (kind === undefined || another !== undefined) {
    throw wrong(place, `must have one of ${kinds.join(', ')}`)
  }
  checkMembers(members, { key: text, ...COMPARISONS[kind] }, ['key'], place)
}

function checkOperation(members: Record<string, unknown>, place: string): void {
  const op = Object.hasOwn(members, 'op') ? members['op'] : undefined
  const names = Object.keys(OPERATIONS)
  if (typeof op !== 'string' || !Object.hasOwn(OPERATIONS, op)) {
    throw wrong(`${place}.op`, `must be one of ${names.join(', ')}`)
  }
  const needed = op === 'set' ? ['key', 'value'] : ['key']
  checkMembers(members, { op: text, key: text, ...OPERATIONS[op] }, needed, place)
}

function checkMembers(
  members: Record<string, unknown>,
  checks: Members,
  needed: readonly string[],
  place: string,
): void {
  for (const [name, value] of Object.entries(members)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      throw unknown(place, name, Object.keys(checks))
    }
    const expected = check(value)
    if (expected !== undefined) throw wrong(`${place}.${name}`, `must be ${expected}`)
  }
  const missing = needed.find((name) => !Object.hasOwn(members, name))
  if (missing !== undefined) throw wrong(`${place}.${missing}`, 'is missing')
}

/** Characters of an unknown member's name that is repeated. */
const MAX_NAME_CHARS = 64

function unknown(place: string, name: string, known: readonly string[]): CliError {
  const what = name.length > MAX_NAME_CHARS ? 'unknown member' : `unknown member "${name}"`
  return wrong(place, what, `known are ${known.join(', ')}`)
}

function wrong(place: string, what: string, hint = 'run: sreg help txn'): CliError {
  return new CliError(
    'INVALID_ARGUMENT',
    printable(`not a transaction: ${place === '' ? '' : `${place} `}${what}`),
    hint,
  )
}
