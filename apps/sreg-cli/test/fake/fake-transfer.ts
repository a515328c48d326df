/** Exports and imports of the fake registry. */
import { randomUUID } from 'node:crypto'
import { type ImportChange, SecregError, type ValueType } from '@secreg/protocol'
import type { FakeEntries, Payload } from './fake-entries.ts'

/** Answers them from the entries. */
export class FakeTransfer {
  readonly #entries: FakeEntries
  readonly imports = new Map<string, { entries: Payload[]; force: boolean }>()

  constructor(entries: FakeEntries) {
    this.#entries = entries
  }

  export(payload: Payload): object {
    const all = [...this.#entries.live].sort(([a], [b]) => (a < b ? -1 : 1))
    const shown = all.filter(([, entry]) => payload['with_secrets'] === true || !entry.encrypted)
    const start = Number(payload['cursor'] ?? 0)
    const end = start + this.#entries.pageSize
    return {
      entries: shown.slice(start, end).map(([key, { value, type, encrypted, version }]) => ({
        key,
        type,
        value,
        encrypted,
        version,
        created_at: 1,
        modified_at: 2,
        created_by: 'alice',
        modified_by: 'alice',
      })),
      total: shown.length,
      omitted: all.length - shown.length,
      revision: 9,
      ...(end < shown.length ? { cursor: String(end) } : {}),
    }
  }

  import(payload: Payload): object {
    const id = String(payload['import'])
    if (payload['op'] === 'begin') {
      const begun = randomUUID()
      this.imports.set(begun, { entries: [], force: payload['force'] === true })
      return { import: begun }
    }
    const staged = this.imports.get(id)
    if (staged === undefined) throw new SecregError('NOT_FOUND', 'no such import')
    if (payload['op'] === 'stage') {
      staged.entries.push(...(payload['entries'] as Payload[]))
      return { import: id, staged: staged.entries.length }
    }
    const changes = staged.entries.map((entry): ImportChange => {
      const key = String(entry['key'])
      const old = this.#entries.live.get(key)
      const same = old?.value === entry['value'] && old?.type === entry['type']
      return {
        key,
        change: old === undefined ? 'create' : same ? 'same' : 'update',
        type: entry['type'] as ValueType,
        encrypted: entry['encrypt'] === true,
        ...(old === undefined ? {} : { old_type: old.type, old_version: old.version }),
      }
    })
    if (payload['op'] === 'diff') {
      const offset = Number(payload['offset'] ?? 0)
      const end = offset + this.#entries.pageSize
      return {
        changes: changes.slice(offset, end),
        ...(end < changes.length ? { next_offset: end } : {}),
      }
    }
    this.imports.delete(id)
    if (payload['op'] === 'abort') return {}
    if (!staged.force && changes.some(({ change }) => change === 'update')) {
      throw new SecregError('ALREADY_EXISTS', 'some keys have other values')
    }
    for (const entry of staged.entries) this.#entries.set(entry)
    const same = changes.filter(({ change }) => change === 'same').length
    return { imported: changes.length - same, unchanged: same, revision: 3 }
  }
}
