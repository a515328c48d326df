/** Records of the versions of an entry, as rows (form: `record.ts`). */
import type { ValueType, VersionState } from '@secreg/protocol'
import type { Row } from '@secreg/storage'
import { decodeRecord, encodeRecord, FLAG } from './record.ts'

/** What the row of one version holds. */
export interface Version {
  readonly type: ValueType
  readonly encrypted: boolean
  readonly createdAtMs: number
  readonly createdBy: string
  readonly deletedAtMs?: number
  readonly expiresAtMs?: number
  /** The value is gone for ever. */
  readonly destroyed: boolean
  /** A view of the row; absent when it is destroyed, or large and in a row of its own. */
  readonly value?: Uint8Array
}

interface VersionHeader {
  t: ValueType
  c: number
  cb: string
  d?: number
  x?: number
}

export function encodeVersion(version: Version): Uint8Array {
  const { deletedAtMs, expiresAtMs } = version
  const header: VersionHeader = {
    t: version.type,
    c: version.createdAtMs,
    cb: version.createdBy,
    ...(deletedAtMs === undefined ? {} : { d: deletedAtMs }),
    ...(expiresAtMs === undefined ? {} : { x: expiresAtMs }),
  }
  const flags =
    (version.encrypted ? FLAG.encrypted : 0) |
    (deletedAtMs === undefined ? 0 : FLAG.hidden) |
    (expiresAtMs === undefined ? 0 : FLAG.expires) |
    (version.destroyed ? FLAG.destroyed : 0)
  return encodeRecord(flags, header, version.value)
}

/** @throws SecregError `ERR_STORAGE_CORRUPT` */
export function decodeVersion(row: Pick<Row, 'value'>): Version {
  return decodeRecord(row.value, ({ flags, header, value }) => {
    const h = header as VersionHeader
    return {
      type: h.t,
      encrypted: (flags & FLAG.encrypted) !== 0,
      createdAtMs: h.c,
      createdBy: h.cb,
      ...(h.d === undefined ? {} : { deletedAtMs: h.d }),
      ...(h.x === undefined ? {} : { expiresAtMs: h.x }),
      destroyed: (flags & FLAG.destroyed) !== 0,
      ...(value === undefined ? {} : { value }),
    }
  })
}

/** What has become of a version by now. */
export function stateOfVersion(version: Version, nowMs: number): VersionState {
  if (version.destroyed) return 'destroyed'
  if (version.expiresAtMs !== undefined && version.expiresAtMs <= nowMs) return 'expired'
  return version.deletedAtMs === undefined ? 'kept' : 'deleted'
}
