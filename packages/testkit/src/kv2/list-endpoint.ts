/** Lists below `metadata/` and `detailed-metadata/`. */
import type { Fields } from './fields.ts'
import { keyFacts } from './key-record.ts'
import type { Mount } from './mount.ts'
import { ABSENT, type JsonObject, type Reply, setMember } from './refusal.ts'

export interface ListOptions {
  /** Every key below, not only the next level. */
  readonly scan: boolean
  readonly detailed: boolean
}

/** @param path - folder, without the slash at its end; empty is the root */
export function listKeys(
  mount: Mount,
  path: string,
  fields: Fields,
  { scan, detailed }: ListOptions,
): Reply {
  const prefix = path === '' ? '' : `${path}/`
  const names = new Set<string>()
  for (const key of mount.keys.keys()) {
    if (!key.startsWith(prefix) || key === prefix) continue
    const rest = key.slice(prefix.length)
    const slash = rest.indexOf('/')
    names.add(scan || slash < 0 ? rest : rest.slice(0, slash + 1))
  }
  const after = fields.raw('after')
  const limit = fields.integer('limit') ?? 0
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const later = typeof after === 'string' ? sorted.filter((name) => name > after) : sorted
  const keys = limit > 0 ? later.slice(0, limit) : later
  if (keys.length === 0) return ABSENT
  if (!detailed) return { status: 200, data: { keys } }
  const info: JsonObject = {}
  for (const name of keys) {
    const key = mount.keys.get(`${prefix}${name}`)
    setMember(info, name, key === undefined ? {} : keyFacts(key))
  }
  return { status: 200, data: { keys, key_info: info } }
}
