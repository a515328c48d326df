/** `data/`, `subkeys/`, `delete/`, `undelete/` and `destroy/` of a mount. */
import type { Fields } from './fields.ts'
import {
  addVersion,
  expiryOf,
  isDeleted,
  isReadable,
  type KeyRecord,
  type Nanoseconds,
  newKeyRecord,
  type VersionRecord,
  versionFacts,
} from './key-record.ts'
import { mergePatch, subkeysOf } from './merge-patch.ts'
import type { Mount } from './mount.ts'
import { ABSENT, ABSENT_EMPTY, DONE, type JsonObject, Refusal, type Reply } from './refusal.ts'

interface Found {
  readonly key: KeyRecord
  readonly number: number
  readonly version: VersionRecord
}

function find(mount: Mount, path: string, wanted: number | undefined): Found | undefined {
  const key = mount.keys.get(path)
  if (key === undefined) return undefined
  const number = wanted !== undefined && wanted > 0 ? wanted : key.currentVersion
  const version = key.versions.get(number)
  return version && { key, number, version }
}

/** @param show - member of the answer that shows the data, and how */
function readAs(
  mount: Mount,
  path: string,
  fields: Fields,
  now: Nanoseconds,
  [name, show]: readonly [name: string, show: (data: JsonObject | null) => unknown],
): Reply {
  const found = find(mount, path, fields.integer('version'))
  if (found === undefined) return ABSENT
  const metadata = versionFacts(found.key, found.number)
  if (!isReadable(found.version, now)) return { status: 404, data: { [name]: null, metadata } }
  const data = JSON.parse(found.version.data as string) as JsonObject | null
  return { status: 200, data: { [name]: show(data), metadata } }
}

export function readData(mount: Mount, path: string, fields: Fields, now: Nanoseconds): Reply {
  return readAs(mount, path, fields, now, ['data', (data) => data])
}

export function readSubkeys(mount: Mount, path: string, fields: Fields, now: Nanoseconds): Reply {
  const depth = fields.integer('depth') ?? 0
  return readAs(mount, path, fields, now, ['subkeys', (data) => data && subkeysOf(data, depth)])
}

export function writeData(mount: Mount, path: string, fields: Fields, now: Nanoseconds): Reply {
  const data = fields.map('data')
  if (data === undefined) throw new Refusal(400, 'no data provided')
  const key = mount.keys.get(path) ?? newKeyRecord(now)
  checkVersion(mount, key, fields)
  mount.keys.set(path, key)
  addVersion(key, mount.config, JSON.stringify(data), now)
  return { status: 200, data: versionFacts(key, key.currentVersion) }
}

export function patchData(mount: Mount, path: string, fields: Fields, now: Nanoseconds): Reply {
  const patch = fields.map('data')
  if (!patch) throw new Refusal(400, 'no data provided')
  const key = mount.keys.get(path)
  if (key === undefined) return ABSENT_EMPTY
  checkVersion(mount, key, fields)
  const version = key.versions.get(key.currentVersion)
  if (version === undefined) return ABSENT_EMPTY
  if (!isReadable(version, now)) return { status: 404, data: versionFacts(key, key.currentVersion) }
  const merged = mergePatch(JSON.parse(version.data as string), patch)
  addVersion(key, mount.config, JSON.stringify(merged), now)
  return { status: 200, data: versionFacts(key, key.currentVersion) }
}

function checkVersion(mount: Mount, key: KeyRecord, fields: Fields): void {
  const cas = fields.map('options')?.['cas']
  if (cas === undefined) {
    if (!mount.config.casRequired && !key.casRequired) return
    throw new Refusal(400, 'check-and-set parameter required for this call')
  }
  const number = typeof cas === 'string' && /^-?\d+$/.test(cas) ? Number(cas) : cas
  if (typeof number !== 'number') throw new Refusal(400, 'error parsing check-and-set parameter')
  if (number !== key.currentVersion) {
    throw new Refusal(400, 'check-and-set parameter did not match the current version')
  }
}

export function deleteLatest(mount: Mount, path: string, now: Nanoseconds): Reply {
  const found = find(mount, path, undefined)
  if (found !== undefined && isReadable(found.version, now)) found.version.deletedAt = now
  return DONE
}

/** What is done to each version that is named and there. */
function each(
  mount: Mount,
  path: string,
  fields: Fields,
  change: (version: VersionRecord, key: KeyRecord) => void,
): Reply {
  const numbers = fields.versions('versions')
  if (numbers.length === 0) throw new Refusal(400, 'No version number provided')
  const key = mount.keys.get(path)
  for (const number of numbers) {
    const version = key?.versions.get(number)
    if (key !== undefined && version !== undefined) change(version, key)
  }
  return DONE
}

export function deleteVersions(
  mount: Mount,
  path: string,
  fields: Fields,
  now: Nanoseconds,
): Reply {
  return each(mount, path, fields, (version) => {
    if (!version.destroyed && !isDeleted(version, now)) version.deletedAt = now
  })
}

export function undelete(mount: Mount, path: string, fields: Fields, now: Nanoseconds): Reply {
  return each(mount, path, fields, (version, key) => {
    if (!version.destroyed) version.deletedAt = expiryOf(key, mount.config, now)
  })
}

export function destroy(mount: Mount, path: string, fields: Fields): Reply {
  return each(mount, path, fields, (version) => {
    version.destroyed = true
    version.data = undefined
  })
}
