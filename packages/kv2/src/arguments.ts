/** Arguments of calls, from the caller to queries and bodies. */
import type { Asked } from './exchange.ts'
import { formatObject, type JsonObject } from './json.ts'
import { integer } from './options.ts'

/** What the pipeline needs to know of a call. */
export type CallSettings = Pick<Asked, 'operation' | 'readOnly'>

const MAX_VERSION = Number.MAX_SAFE_INTEGER - 1

/** Body of a write or patch. */
export function checkedData(data: JsonObject, cas: number | undefined): string {
  const text = formatObject(data, 'data')
  if (cas === undefined) return `{"data":${text}}`
  return `{"options":{"cas":${integer(cas, 0, MAX_VERSION, 'cas')}},"data":${text}}`
}

/** Body with numbers of versions. */
export function checkedVersions(versions: readonly number[]): string {
  if (!Array.isArray(versions)) throw new TypeError('versions: expected a list')
  if (versions.length === 0) throw new RangeError('versions: expected one at least')
  return JSON.stringify({
    versions: versions.map((version) => integer(version, 1, MAX_VERSION, 'versions')),
  })
}

/** Query of a request: numbers are 1 or more, texts are encoded. Empty when nothing is given. */
export function queryOf(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (name === 'list' || name === 'after') {
      if (typeof value !== 'string') throw new TypeError(`${name}: expected a string`)
      if (/\p{Surrogate}/u.test(value)) throw new RangeError(`${name}: expected well-formed text`)
      return [`${name}=${encodeURIComponent(value)}`]
    }
    return [`${name}=${integer(value, 1, MAX_VERSION, name)}`]
  })
  return given.length === 0 ? '' : `?${given.join('&')}`
}
