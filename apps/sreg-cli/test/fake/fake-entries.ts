/** Entries of the fake registry, with their versions and metadata. */
import {
  parsePath,
  parsePrefix,
  parseValue,
  parseValueType,
  SecregError,
  type ValueType,
} from '@secreg/protocol'

export type Payload = Record<string, unknown>

export interface FakeVersion {
  readonly value: string
  readonly type: ValueType
  readonly encrypted: boolean
  state: 'kept' | 'deleted' | 'destroyed'
}

export interface FakeEntry {
  value: string
  type: ValueType
  encrypted: boolean
  /** Active version. */
  version: number
  latest: number
  revision: number
  versions: Map<number, FakeVersion>
  description?: string
  tags: string[]
  custom: Record<string, string>
  granted: string[]
  /** Everything else that a request has set. */
  settings: Payload
}

const AT = 1_700_000_000_000
const conflict = (): SecregError =>
  new SecregError('VERSION_CONFLICT', 'the entry has another version')

/** The store; `live` has what is not deleted. */
export class FakeEntries {
  readonly live = new Map<string, FakeEntry>()
  readonly deleted = new Map<string, FakeEntry>()
  pageSize = 1000
  revision = 0

  /** Write a version, which becomes the active one. */
  put(key: string, value: string, type: ValueType = 'string', encrypted = false): number {
    const entry = this.#known(key, value, type, encrypted)
    return this.#write(key, entry, entry.latest + 1, { value, type, encrypted, state: 'kept' })
  }

  /** Write an encrypted version of bytes under its number; it becomes the active one. */
  putNumber(key: string, number: number, value: string): FakeEntry {
    const entry = this.#known(key, value, 'bytes', true)
    this.#write(key, entry, number, { value, type: 'bytes', encrypted: true, state: 'kept' })
    return entry
  }

  /** Make an entry of bytes that has no value. */
  define(key: string): FakeEntry {
    const entry = this.#known(key, '', 'bytes', true)
    this.live.set(key, entry)
    entry.revision = ++this.revision
    return entry
  }

  #known(key: string, value: string, type: ValueType, encrypted: boolean): FakeEntry {
    const base = { version: 0, latest: 0, revision: 0, versions: new Map() }
    const metadata = { tags: [], custom: {}, granted: [], settings: {} }
    return (
      this.live.get(key) ??
      this.deleted.get(key) ?? { value, type, encrypted, ...base, ...metadata }
    )
  }

  #write(key: string, entry: FakeEntry, number: number, version: FakeVersion): number {
    this.deleted.delete(key)
    entry.latest = Math.max(entry.latest, number)
    entry.versions.set(number, version)
    this.live.set(key, entry)
    this.activate(entry, number)
    return number
  }

  activate(entry: FakeEntry, number: number): void {
    const { value, type, encrypted } = this.version(entry, number)
    Object.assign(entry, { value, type, encrypted, version: number, revision: ++this.revision })
  }

  /** A version that can be read. */
  version(entry: FakeEntry, number: number): FakeVersion {
    const version = entry.versions.get(number)
    if (version === undefined) throw new SecregError('VERSION_NOT_FOUND', `no version ${number}`)
    if (version.state === 'deleted') throw new SecregError('VERSION_DELETED', 'it was deleted')
    if (version.state === 'destroyed') throw new SecregError('VERSION_DESTROYED', 'it is destroyed')
    return version
  }

  entry(text: unknown): FakeEntry {
    const key = parsePath(String(text))
    const entry = this.live.get(key)
    if (entry !== undefined) return entry
    if (this.deleted.has(key)) throw new SecregError('ENTRY_DELETED', 'the entry was deleted')
    throw new SecregError('STORAGE_KEY_NOT_FOUND', 'no such key')
  }

  /** Keys at and below a path. */
  subtree(key: string): string[] {
    return [...this.live.keys()].filter((one) => one === key || one.startsWith(`${key}/`)).sort()
  }

  get(payload: Payload): object {
    const entry = this.entry(payload['key'])
    const number = Number(payload['version'] ?? entry.version)
    const { value, type, encrypted } = this.version(entry, number)
    return {
      value: encrypted && payload['decrypt'] !== true ? null : value,
      type,
      encrypted,
      version: number,
      created_at: AT,
      created_by: 'alice',
      modified_at: AT,
      modified_by: 'alice',
      modify_revision: entry.revision,
    }
  }

  set(payload: Payload): object {
    const key = parsePath(String(payload['key']))
    const type = parseValueType(String(payload['type'] ?? 'string'))
    parseValue(payload['value'] as string, type)
    const { if_version, if_revision, ...settings } = payload
    const before = this.live.get(key)
    if (if_version !== undefined && if_version !== (before?.latest ?? 0)) throw conflict()
    if (if_revision !== undefined && if_revision !== (before?.revision ?? 0)) throw conflict()
    if (before?.settings['cas_required'] === true && if_version === undefined) {
      throw new SecregError('VERSION_REQUIRED', 'the entry is written only with its version')
    }
    const version = this.put(key, String(payload['value']), type, payload['encrypt'] === true)
    const entry = this.entry(key)
    for (const name of ['ttl_s', 'private', 'ephemeral']) {
      if (name in settings) entry.settings[name] = settings[name]
    }
    return { success: true, version, revision: this.revision }
  }

  delete(payload: Payload): object {
    const key = String(payload['key'])
    const keys = this.subtree(key).filter((one) => one === key || payload['recursive'] === true)
    if (keys.length === 0) {
      const below = this.subtree(key).length > 0
      throw new SecregError(below ? 'NOT_A_LEAF' : 'STORAGE_KEY_NOT_FOUND', 'no such key')
    }
    for (const one of keys) {
      this.deleted.set(one, this.entry(one))
      this.live.delete(one)
    }
    return { success: true, deleted: keys.length, revision: ++this.revision }
  }

  list(payload: Payload): object {
    const prefix = `${parsePrefix(String(payload['prefix']))}/`
    const found = new Set<string>()
    for (const key of this.live.keys()) {
      if (!key.startsWith(prefix)) continue
      const cut = payload['recursive'] === true ? -1 : key.indexOf('/', prefix.length)
      found.add(cut < 0 ? key : key.slice(0, cut + 1))
    }
    const { keys, next } = this.#page([...found].sort(), payload)
    const entries = keys.filter((key) => this.live.has(key)).map((key) => this.#row(key))
    return { keys, ...(payload['detail'] === true ? { entries } : {}), ...next }
  }

  search(payload: Payload): object {
    const { prefix = '/', text = '', key = '', metadata = {}, tag } = payload
    const base = `${parsePrefix(String(prefix))}/`
    const found = [...this.live].filter(([path, entry]) => {
      const last = path.slice(path.lastIndexOf('/') + 1)
      const members = Object.entries(metadata as Record<string, string>)
      return (
        path.startsWith(base) &&
        path.toLowerCase().includes(String(text).toLowerCase()) &&
        last.toLowerCase().includes(String(key).toLowerCase()) &&
        members.every(([name, value]) => entry.custom[name] === value) &&
        (tag === undefined || entry.tags.includes(String(tag)))
      )
    })
    const { keys, next } = this.#page(found.map(([path]) => path).sort(), payload)
    return {
      entries: keys.map((path) => {
        const { description, tags } = this.entry(path)
        return { ...this.#row(path), tags, ...(description === undefined ? {} : { description }) }
      }),
      ...next,
    }
  }

  transfer(payload: Payload): object {
    const [from, to] = [String(payload['from']), parsePath(String(payload['to']))]
    const recursive = payload['recursive'] === true
    const keys = recursive ? this.subtree(from) : [from]
    const moves = keys.map((key): [FakeEntry, string] => [
      this.entry(key),
      to + key.slice(from.length),
    ])
    for (const [, key] of moves) {
      if (this.live.has(key) && payload['force'] !== true) {
        throw new SecregError('ALREADY_EXISTS', 'the destination exists')
      }
    }
    for (const [entry, key] of moves) {
      if (payload['op'] === 'copy') this.put(key, entry.value, entry.type, entry.encrypted)
      else this.live.set(key, entry)
    }
    if (payload['op'] === 'move') for (const key of keys) this.live.delete(key)
    return { success: true, count: keys.length, revision: ++this.revision }
  }

  #row(key: string): object {
    const { type, encrypted, version } = this.entry(key)
    return { key, type, encrypted, version, modified_at: AT, modified_by: 'alice' }
  }

  #page(all: readonly string[], payload: Payload): { keys: string[]; next: { next?: string } } {
    const after = payload['after'] as string | undefined
    const rest = all.filter((key) => after === undefined || key > after)
    const keys = rest.slice(0, Math.min(this.pageSize, Number(payload['limit'] ?? this.pageSize)))
    const last = keys.at(-1)
    return { keys, next: rest.length > keys.length && last !== undefined ? { next: last } : {} }
  }
}
