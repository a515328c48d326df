/** Requests of the fake registry about versions, metadata, mounts and transactions. */
import { SecregError } from '@secreg/protocol'
import type { FakeEntries, FakeEntry, Payload } from './fake-entries.ts'

const AT = 1_700_000_000_000

function readable({ versions }: FakeEntry): number[] {
  const kept = [...versions].filter(([, { state }]) => state === 'kept')
  return kept.map(([number]) => number).sort((a, b) => a - b)
}

/** Answers them from the entries. */
export class FakeVersions {
  readonly #entries: FakeEntries
  readonly mounts = new Map<string, Payload>([['/', { dialect: 'registry', available: true }]])

  constructor(entries: FakeEntries) {
    this.#entries = entries
  }

  history(payload: Payload): object {
    const key = String(payload['key'])
    const deleted = this.#entries.deleted.get(key)
    const entry = deleted ?? this.#entries.entry(key)
    const before = Number(payload['before'] ?? Number.POSITIVE_INFINITY)
    const rest = [...entry.versions].filter(([number]) => number < before).reverse()
    const most = Math.min(this.#entries.pageSize, Number(payload['limit'] ?? 1000))
    const shown = rest.slice(0, most)
    return {
      key,
      active: entry.version,
      latest: entry.latest,
      ...(deleted === undefined ? {} : { deleted_at: AT, deleted_by: 'bob' }),
      versions: shown.map(([version, { state, type, encrypted }]) => ({
        version,
        state,
        type,
        encrypted,
        created_at: AT + version,
        created_by: 'alice',
        ...(state === 'deleted' ? { deleted_at: AT } : {}),
      })),
      polled: [{ by: 'carol', at: AT }],
      ...(rest.length > shown.length ? { next: shown.at(-1)?.[0] } : {}),
    }
  }

  change(payload: Payload): object {
    const key = String(payload['key'])
    const number = Number(payload['version'])
    const done = (more: object): object => ({
      success: true,
      revision: ++this.#entries.revision,
      ...more,
    })
    switch (payload['op']) {
      case 'rollback': {
        const entry = this.#entries.entry(key)
        if (![undefined, entry.latest].includes(payload['if_version'] as number | undefined)) {
          throw new SecregError('VERSION_CONFLICT', 'the entry has another version')
        }
        const { value, type, encrypted } = this.#entries.version(entry, number)
        return done({ version: this.#entries.put(key, value, type, encrypted) })
      }
      case 'activate': {
        const entry = this.#entries.entry(key)
        if (![undefined, entry.revision].includes(payload['if_revision'] as number | undefined)) {
          throw new SecregError('VERSION_CONFLICT', 'the entry has changed')
        }
        this.#entries.activate(entry, number)
        return done({ version: number })
      }
      case 'undelete':
        return done({ version: this.#undelete(key, payload['version'] as number | undefined) })
      case 'destroy': {
        const numbers = payload['versions'] as number[]
        const entry = this.#entries.entry(key)
        for (const one of numbers) {
          if (one === entry.version) throw new SecregError('VERSION_ACTIVE', 'it is the active one')
          this.#entries.version(entry, one).state = 'destroyed'
        }
        return done({ version: entry.version, count: numbers.length, erased: true })
      }
      default:
        return done({ count: this.#purge(key, payload['recursive'] === true), erased: false })
    }
  }

  #undelete(key: string, number: number | undefined): number {
    const { live, deleted } = this.#entries
    const entry = deleted.get(key)
    if (entry !== undefined && number === undefined) {
      live.set(key, entry)
      deleted.delete(key)
      return entry.version
    }
    const known = this.#entries.entry(key)
    const version = known.versions.get(number ?? known.version)
    if (version?.state === 'deleted') version.state = 'kept'
    return known.version
  }

  #purge(key: string, recursive: boolean): number {
    const { live, deleted } = this.#entries
    const keys = [...live.keys(), ...deleted.keys()].filter(
      (one) => one === key || (recursive && one.startsWith(`${key}/`)),
    )
    if (keys.length === 0) this.#entries.entry(key)
    for (const one of keys) {
      live.delete(one)
      deleted.delete(one)
    }
    return keys.length
  }

  meta(payload: Payload): object {
    const key = String(payload['key'])
    const entry = this.#entries.entry(key)
    if (payload['op'] === 'set') this.#describe(entry, payload)
    const { type, encrypted, version, latest, revision } = entry
    const { description, tags, custom, granted, settings } = entry
    const { ttl_s, ...others } = settings
    return {
      key,
      type,
      encrypted,
      private: false,
      ephemeral: false,
      active: version,
      latest,
      created_at: AT,
      created_by: 'alice',
      modified_at: AT,
      modified_by: 'alice',
      modify_revision: revision,
      ...(description === undefined ? {} : { description }),
      tags,
      custom,
      granted,
      ...others,
      ...(Number(ttl_s ?? 0) > 0 ? { expires_at: AT + 1000 * Number(ttl_s) } : {}),
      dialect: 'registry',
      ...(payload['versions'] === true ? { versions: readable(entry) } : {}),
    }
  }

  #describe(entry: FakeEntry, payload: Payload): void {
    const { op, key, description, tags, custom, granted, if_revision, ...settings } = payload
    if (if_revision !== undefined && if_revision !== entry.revision) {
      throw new SecregError('VERSION_CONFLICT', 'the entry has changed')
    }
    if (description === null) delete entry.description
    else if (description !== undefined) entry.description = String(description)
    if (tags !== undefined) entry.tags = tags as string[]
    for (const [name, value] of Object.entries((custom ?? {}) as Record<string, string | null>)) {
      if (value === null) delete entry.custom[name]
      else entry.custom[name] = value
      if (granted === true) entry.granted.push(name)
    }
    for (const [name, value] of Object.entries(settings)) {
      if (value === null) delete entry.settings[name]
      else entry.settings[name] = value
    }
    entry.revision = ++this.#entries.revision
  }

  mount(payload: Payload): object {
    const { op, path, ...rules } = payload
    if (op === 'set') this.mounts.set(String(path), { ...rules, available: true })
    if (op === 'remove' && !this.mounts.delete(String(path))) {
      throw new SecregError('NOT_FOUND', 'no such mount')
    }
    return { mounts: [...this.mounts].map(([one, mount]) => ({ path: one, ...mount })) }
  }

  /** Compares versions and absence only. */
  transaction(payload: Payload): object {
    const { live } = this.#entries
    const succeeded = ((payload['compare'] ?? []) as Payload[]).every((one) => {
      const entry = live.get(String(one['key']))
      if ('absent' in one) return (entry === undefined) === one['absent']
      return (entry?.latest ?? 0) === one['version']
    })
    const branch = (payload[succeeded ? 'then' : 'else'] ?? []) as Payload[]
    const results = branch.map((step) => {
      const key = String(step['key'])
      if (step['op'] === 'get') {
        return { op: 'get', found: live.has(key) ? this.#entries.get(step) : null }
      }
      if (step['op'] === 'delete') {
        return { op: 'delete', deleted: live.has(key) ? 1 : 0, ...this.#deleteQuietly(key) }
      }
      this.#entries.set(step)
      return { op: 'set', version: live.get(key)?.version }
    })
    return { succeeded, revision: this.#entries.revision, results }
  }

  #deleteQuietly(key: string): object {
    if (this.#entries.live.has(key)) this.#entries.delete({ key })
    return {}
  }
}
