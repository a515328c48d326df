/** From answers to results. Members that are not known are ignored, so that a server may add some. */
import * as z from 'zod'
import { type Answer, type Asked, failure } from './exchange.ts'
import type { JsonObject } from './json.ts'
import { isAbsent, refusalOf } from './refusal.ts'
import type {
  Kv2Absent,
  Kv2Config,
  Kv2Gone,
  Kv2KeyMetadata,
  Kv2PatchResult,
  Kv2ReadResult,
  Kv2SubkeysResult,
  Kv2VersionMetadata,
} from './results.ts'

const number = z.int().min(0)
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/)
const duration = z.string().max(64)
const deletion = z
  .union([z.literal(''), time])
  .transform((text) => (text === '' ? undefined : text))

/** Not a record of zod's, which would drop a key that is named `__proto__`. */
const custom = z
  .custom<Record<string, string> | null>(
    (value) =>
      value === null ||
      (typeof value === 'object' &&
        !Array.isArray(value) &&
        Object.values(value).every((text) => typeof text === 'string')),
  )
  .transform((map) => Object.freeze(map ?? {}))

const json = z.custom<JsonObject | null>(
  (value) => value === null || (typeof value === 'object' && !Array.isArray(value)),
)

const version = z
  .object({
    version: number.min(1),
    created_time: time,
    deletion_time: deletion,
    destroyed: z.boolean(),
    custom_metadata: custom.optional(),
  })
  .transform(
    (facts): Kv2VersionMetadata => ({
      version: facts.version,
      createdTime: facts.created_time,
      deletionTime: facts.deletion_time,
      destroyed: facts.destroyed,
      customMetadata: facts.custom_metadata ?? Object.freeze({}),
    }),
  )

const live = z.object({ data: json, metadata: version })
const structure = z.object({ subkeys: json, metadata: version })
const gone = z.object({ metadata: version })

const past = z.object({ created_time: time, deletion_time: deletion, destroyed: z.boolean() })

const key = z
  .object({
    current_version: number,
    oldest_version: number,
    max_versions: number,
    cas_required: z.boolean(),
    delete_version_after: duration,
    created_time: time,
    updated_time: time,
    custom_metadata: custom.optional(),
    versions: z.record(z.string().regex(/^[1-9]\d{0,15}$/), past),
    current_metadata_version: number.optional(),
    metadata_cas_required: z.boolean().optional(),
  })
  .transform(
    (facts): Kv2KeyMetadata => ({
      currentVersion: facts.current_version,
      oldestVersion: facts.oldest_version,
      maxVersions: facts.max_versions,
      casRequired: facts.cas_required,
      deleteVersionAfter: facts.delete_version_after,
      createdTime: facts.created_time,
      updatedTime: facts.updated_time,
      customMetadata: facts.custom_metadata ?? Object.freeze({}),
      versions: Object.entries(facts.versions)
        .map(([name, one]) => ({
          version: Number(name),
          createdTime: one.created_time,
          deletionTime: one.deletion_time,
          destroyed: one.destroyed,
        }))
        .sort((a, b) => a.version - b.version),
      metadataVersion: facts.current_metadata_version,
      metadataCasRequired: facts.metadata_cas_required ?? false,
    }),
  )

const settings = z
  .object({
    max_versions: number,
    cas_required: z.boolean(),
    delete_version_after: duration,
    metadata_cas_required: z.boolean().optional(),
  })
  .transform(
    (facts): Kv2Config => ({
      maxVersions: facts.max_versions,
      casRequired: facts.cas_required,
      deleteVersionAfter: facts.delete_version_after,
      metadataCasRequired: facts.metadata_cas_required ?? false,
    }),
  )

const names = z.object({ keys: z.array(z.string()) })

const ABSENT: Kv2Absent = Object.freeze({ state: 'absent' })

/** Member `data` of an envelope, in its shape. What is wrong with it is not told, since that could quote it. */
function dataOf<T>(asked: Asked, { status, json }: Answer, shape: z.ZodType<T>): T {
  const { success, data } = shape.safeParse(json?.['data'])
  if (success) return data
  throw failure(asked, 'ERR_KV2_ANSWER_INVALID', { status, outcomeUnknown: !asked.readOnly })
}

/** A version of another number than the one that was asked for is no answer to it. */
function checkNumber(
  asked: Asked,
  { version }: Kv2VersionMetadata,
  wanted: number | undefined,
): void {
  if (wanted === undefined || version === wanted) return
  throw failure(asked, 'ERR_KV2_ANSWER_INVALID', { outcomeUnknown: !asked.readOnly })
}

/** The server decides what is deleted, by its own clock: with 404 and what it still tells of the version. */
function goneOf(asked: Asked, answer: Answer, metadata: Kv2VersionMetadata): Kv2Gone {
  if (metadata.destroyed) return { state: 'destroyed', metadata }
  if (metadata.deletionTime !== undefined) return { state: 'deleted', metadata }
  throw failure(asked, 'ERR_KV2_ANSWER_INVALID', { status: answer.status })
}

function unreadable(asked: Asked, answer: Answer, wanted: number | undefined): Kv2Gone | Kv2Absent {
  if (isAbsent(answer)) return ABSENT
  if (answer.status !== 404 || (answer.json?.['data'] ?? null) === null) {
    throw refusalOf(asked, answer)
  }
  const { metadata } = dataOf(asked, answer, gone)
  checkNumber(asked, metadata, wanted)
  return goneOf(asked, answer, metadata)
}

/** @param wanted - version that was asked for */
export function readResult(
  asked: Asked,
  answer: Answer,
  wanted: number | undefined,
): Kv2ReadResult {
  if (answer.status !== 200) return unreadable(asked, answer, wanted)
  const { data, metadata } = dataOf(asked, answer, live)
  checkNumber(asked, metadata, wanted)
  if (metadata.destroyed) throw failure(asked, 'ERR_KV2_ANSWER_INVALID', { status: 200 })
  return { state: 'live', data, metadata }
}

export function subkeysResult(
  asked: Asked,
  answer: Answer,
  wanted: number | undefined,
): Kv2SubkeysResult {
  if (answer.status !== 200) return unreadable(asked, answer, wanted)
  const { subkeys, metadata } = dataOf(asked, answer, structure)
  checkNumber(asked, metadata, wanted)
  return { state: 'live', subkeys, metadata }
}

/** @param cas - after which the version is the next */
export function writeResult(
  asked: Asked,
  answer: Answer,
  cas: number | undefined,
): Kv2VersionMetadata {
  if (answer.status !== 200) throw refusalOf(asked, answer)
  const metadata = dataOf(asked, answer, version)
  checkNumber(asked, metadata, cas === undefined ? undefined : cas + 1)
  return metadata
}

/** PATCH answers 404 with an empty body for what is absent, and with the flat metadata of a version that is gone. */
export function patchResult(asked: Asked, answer: Answer, cas: number | undefined): Kv2PatchResult {
  if (isMissingPatch(answer)) return ABSENT
  if (answer.status !== 404 || (answer.json?.['data'] ?? null) === null) {
    return { state: 'written', metadata: writeResult(asked, answer, cas) }
  }
  return goneOf(asked, answer, dataOf(asked, answer, version))
}

export function isMissingPatch(answer: Answer): boolean {
  return answer.status === 404 && (answer.isEmpty || isAbsent(answer))
}

export function keyMetadataResult(asked: Asked, answer: Answer): Kv2KeyMetadata | undefined {
  if (isAbsent(answer)) return undefined
  if (answer.status !== 200) throw refusalOf(asked, answer)
  return dataOf(asked, answer, key)
}

export function configResult(asked: Asked, answer: Answer): Kv2Config {
  if (answer.status !== 200) throw refusalOf(asked, answer)
  return dataOf(asked, answer, settings)
}

/** There is no empty folder: nothing there is none. */
export function listResult(asked: Asked, answer: Answer): readonly string[] {
  if (isAbsent(answer)) return []
  if (answer.status !== 200) throw refusalOf(asked, answer)
  return dataOf(asked, answer, names).keys
}

/** 204, or 200 where the server has something to warn of. */
export function doneResult(asked: Asked, answer: Answer): void {
  if (answer.status === 204 || (answer.status === 200 && answer.json !== undefined)) return
  throw refusalOf(asked, answer)
}
