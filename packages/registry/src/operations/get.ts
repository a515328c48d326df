/** Read one value. Needs no engine write; its record is written before the answer (DESIGN §2, step 6). */
import {
  type Caller,
  formatValue,
  type GetResponse,
  parsePath,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { MaybePromise, Reader } from '@secreg/storage'
import { accessDenied } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { decodeEntry, decodeVersion, type Entry } from '../entry.ts'
import type { View } from '../group-view.ts'
import { entryKey, versionKey } from '../keys.ts'
import { type Facts, recorded, whenReady } from '../recorded.ts'

/**
 * Read the active version of an entry.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`, `ERR_STORAGE_KEY_NOT_FOUND`, `ERR_SEALED`,
 *   `ERR_CRYPTO_FAILED`, `ERR_AUDIT_FAILED`
 */
export function get(core: Core, caller: Caller, request: RequestOf<'get'>): Promise<GetResponse> {
  const facts: Facts = { action: 'read' }
  return recorded(core.journal, caller, facts, () => {
    const path = parsePath(request.key)
    facts.paths = [path]
    core.authorizer.require(caller, 'read', path)
    core.keys.requireReadable()
    return whenReady(core.engine.get(entryKey(path)), (row) => {
      const entry = row === undefined ? undefined : decodeEntry(row)
      if (row === undefined || entry === undefined || entry.active === 0) throw notFound()
      facts.versions = [entry.active]
      const wanted = !entry.encrypted || request.decrypt === true
      if (entry.encrypted && wanted) {
        facts.action = 'decrypt'
        if (!core.authorizer.allows(caller, 'decrypt', path)) throw accessDenied()
      }
      return whenReady(wanted ? readValue(core, entry) : null, (value) => ({
        value,
        type: entry.type,
        encrypted: entry.encrypted,
        version: entry.active,
        modify_revision: row.modifyRevision,
        ...(request.detail === true
          ? {
              created_at: entry.createdAtMs,
              created_by: entry.createdBy,
              modified_at: entry.modifiedAtMs,
              modified_by: entry.modifiedBy,
            }
          : undefined),
      }))
    })
  })
}

/** The same for every absent path. */
export function notFound(): SecregError {
  return new SecregError('STORAGE_KEY_NOT_FOUND', 'no such key')
}

/**
 * Canonical text of an entry's active value.
 *
 * @throws SecregError `ERR_SEALED`, `ERR_CRYPTO_FAILED`, `ERR_STORAGE_CORRUPT`
 */
export function readValue(
  core: { readonly engine: Pick<Reader, 'get'>; readonly keys: Core['keys'] },
  entry: Entry,
): MaybePromise<string> {
  if (entry.value !== undefined) return textOf(core, entry, entry.value)
  return whenReady(core.engine.get(versionKey(entry.id, entry.active)), (row) => {
    if (row === undefined) throw versionMissing()
    return textOf(core, entry, decodeVersion(row).value)
  })
}

/**
 * Bytes of an entry's active value, in a plan.
 *
 * @returns a view of the row when it is plain, else a fresh copy, which the caller wipes
 */
export function plainBytes(keys: Core['keys'], entry: Entry, view: View): Uint8Array {
  let bytes = entry.value
  if (bytes === undefined) {
    const row = view.get(versionKey(entry.id, entry.active))
    if (row === undefined) throw versionMissing()
    bytes = decodeVersion(row).value
  }
  return entry.encrypted ? keys.openValue(entry, entry.active, bytes) : bytes
}

function versionMissing(): SecregError {
  return new SecregError('STORAGE_CORRUPT', 'the active version of the entry is missing')
}

function textOf({ keys }: Pick<Core, 'keys'>, entry: Entry, bytes: Uint8Array): string {
  if (!entry.encrypted) return formatValue({ type: entry.type, bytes })
  const plain = keys.openValue(entry, entry.active, bytes)
  try {
    return formatValue({ type: entry.type, bytes: plain })
  } finally {
    plain.fill(0)
  }
}
