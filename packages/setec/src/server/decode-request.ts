/**
 * Bodies of requests as setec's server reads them, which is as Go's `encoding/json` does (specs/setec.md §1.2): the first
 * value only, members found whatever their case, the last of several, unknown ones ignored, `null` for nothing.
 */

import type { SetecOperation } from '../api/operation.ts'
import { MAX_VERSION } from '../api/secret.ts'
import { decodeBytes } from './decode-bytes.ts'
import { JsonSyntaxError, scanMembers, textOf } from './json-scan.ts'

/** Members that an operation looks at; the others are zero. */
export interface SetecRequest {
  /** Well-formed text. */
  name: string
  /** 0 to 4,294,967,295. */
  version: number
  /** Nobody else's. */
  value: Uint8Array
  updateIfChanged: boolean
}

type Member = keyof SetecRequest

const MEMBERS: Readonly<Record<SetecOperation, ReadonlySet<Member>>> = Object.freeze({
  list: new Set<Member>(),
  get: new Set<Member>(['name', 'version', 'updateIfChanged']),
  info: new Set<Member>(['name']),
  put: new Set<Member>(['name', 'value']),
  'create-version': new Set<Member>(['name', 'version', 'value']),
  activate: new Set<Member>(['name', 'version']),
  delete: new Set<Member>(['name']),
  'delete-version': new Set<Member>(['name', 'version']),
})

const EXACT: ReadonlyMap<string, Member> = new Map<string, Member>([
  ['Name', 'name'],
  ['Version', 'version'],
  ['Value', 'value'],
  ['UpdateIfChanged', 'updateIfChanged'],
])

/** Simple case folding of Unicode, as Go's: also U+017F is an s. */
const FOLDED: readonly (readonly [RegExp, Member])[] = [...EXACT].map(
  ([name, member]) => [new RegExp(`^${name}$`, 'iu'), member] as const,
)

/** What is not UTF-8 becomes U+FFFD; a byte order mark stays, and is then no JSON. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Read the body of a request.
 *
 * @throws JsonSyntaxError; SecregError `ERR_VALUE_TOO_LARGE`
 */
export function decodeRequest(operation: SetecOperation, body: Uint8Array): SetecRequest {
  const wanted = MEMBERS[operation]
  const request = { name: '', version: 0, value: new Uint8Array(0), updateIfChanged: false }
  scanMembers(decoder.decode(body), (name, written) => {
    const member = memberOf(name)
    if (member !== undefined && wanted.has(member)) read(request, member, written)
  })
  return request
}

function memberOf(name: string): Member | undefined {
  return EXACT.get(name) ?? FOLDED.find(([pattern]) => pattern.test(name))?.[1]
}

function read(request: SetecRequest, member: Member, written: string): void {
  if (member === 'value') request.value = decodeBytes(written)
  // Of anything but bytes, null leaves what was there.
  else if (written === 'null') return
  else if (member === 'name') request.name = readText(written)
  else if (member === 'version') request.version = readVersion(written)
  else request.updateIfChanged = readFlag(written)
}

function readText(written: string): string {
  if (!written.startsWith('"')) throw new JsonSyntaxError('a name must be text')
  return textOf(written)
}

function readVersion(written: string): number {
  if (!/^[0-9]{1,10}$/.test(written) || Number(written) > MAX_VERSION) {
    throw new JsonSyntaxError('a version must be an integer from 0 to 4294967295')
  }
  return Number(written)
}

function readFlag(written: string): boolean {
  if (written !== 'true' && written !== 'false') throw new JsonSyntaxError('a flag must be boolean')
  return written === 'true'
}
