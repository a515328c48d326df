/** Settings of a key, from arguments to the body of a request. */
import { isObject } from './json.ts'
import { integer } from './options.ts'

/** Settings to write. What is not given stays. */
export interface Kv2MetadataSettings {
  /** 0: as the mount has it. */
  readonly maxVersions?: number
  readonly casRequired?: boolean
  /** As Go writes durations, such as `90m` or `0s`; not negative. */
  readonly deleteVersionAfter?: string
  /** The whole map: keys that are not in it go. At most 64 keys of 1 to 128 bytes, values of 1 to 512 bytes. */
  readonly customMetadata?: Readonly<Record<string, string>>
  /** OpenBao only. */
  readonly metadataCasRequired?: boolean
}

/** Settings to change. `null` takes one back; what is not given stays. */
export interface Kv2MetadataPatch {
  readonly maxVersions?: number | null
  readonly casRequired?: boolean | null
  readonly deleteVersionAfter?: string | null
  /** Keys to set, and with `null` to remove; the others stay. */
  readonly customMetadata?: Readonly<Record<string, string | null>>
  readonly metadataCasRequired?: boolean | null
}

/** Members of the request's body. */
export type MetadataBody = Readonly<Record<string, unknown>>

const MAX_KEYS = 64
const MAX_KEY_BYTES = 128
const MAX_VALUE_BYTES = 512
const MAX_VERSIONS = 2 ** 31 - 1
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u
const encoder = new TextEncoder()

/**
 * @param removing - whether `null` may stand for a setting or a key
 * @throws TypeError, RangeError which quote no value
 */
export function metadataBody(
  settings: Kv2MetadataPatch | Kv2MetadataSettings,
  removing: boolean,
): MetadataBody {
  if (!isObject(settings)) throw new TypeError('settings: expected an object')
  const { maxVersions, casRequired, deleteVersionAfter, customMetadata, metadataCasRequired } =
    settings as Kv2MetadataPatch
  const body: Record<string, unknown> = {}
  const set = <T>(name: string, value: T | null | undefined, check: (value: T) => void): void => {
    if (value === undefined) return
    if (value !== null || !removing) check(value as T)
    body[name] = value
  }
  set('max_versions', maxVersions, (value) => integer(value, 0, MAX_VERSIONS, 'maxVersions'))
  set('cas_required', casRequired, (value) => checkBoolean(value, 'casRequired'))
  set('delete_version_after', deleteVersionAfter, checkDuration)
  set('metadata_cas_required', metadataCasRequired, (value) =>
    checkBoolean(value, 'metadataCasRequired'),
  )
  if (customMetadata !== undefined) {
    checkCustomMetadata(customMetadata, removing)
    body['custom_metadata'] = customMetadata
  }
  return body
}

/** What a patch makes of the custom metadata of a key. */
export function mergeCustomMetadata(
  before: Readonly<Record<string, string>>,
  patch: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = new Map(Object.entries(before))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, value)
  }
  return Object.fromEntries(merged)
}

function checkBoolean(value: unknown, argument: string): void {
  if (typeof value !== 'boolean') throw new TypeError(`${argument}: expected a boolean`)
}

function checkDuration(value: unknown): void {
  if (typeof value !== 'string') throw new TypeError('deleteVersionAfter: expected a string')
  if (!/^(?:0|(?:\d+(?:\.\d+)?(?:h|m|s|ms))+)$/.test(value) || value.length > 64) {
    throw new RangeError('deleteVersionAfter: expected a duration such as 90m')
  }
}

function checkCustomMetadata(map: unknown, removing: boolean): void {
  if (!isObject(map)) throw new TypeError('customMetadata: expected an object')
  const entries = Object.entries(map)
  if (entries.length > MAX_KEYS)
    throw new RangeError(`customMetadata: expected ${MAX_KEYS} keys at most`)
  for (const [key, value] of entries) {
    if (!fits(key, MAX_KEY_BYTES)) {
      throw new RangeError(`customMetadata: expected keys of 1 to ${MAX_KEY_BYTES} printable bytes`)
    }
    if (value === null && removing) continue
    if (typeof value !== 'string') throw new TypeError('customMetadata: expected strings')
    if (!fits(value, MAX_VALUE_BYTES)) {
      throw new RangeError(
        `customMetadata: expected values of 1 to ${MAX_VALUE_BYTES} printable bytes`,
      )
    }
  }
}

function fits(text: string, most: number): boolean {
  return text !== '' && encoder.encode(text).length <= most && !UNPRINTABLE.test(text)
}
