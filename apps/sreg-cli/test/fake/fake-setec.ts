/** Writes of setec's dialect to the fake registry, by the rules that the daemon has. */
import { type DialectEffect, type DialectEntry, encodeBase64, SecregError } from '@secreg/protocol'
import { SETEC_DIALECT } from '@secreg/setec/dialect'
import type { FakeEntries, FakeEntry, Payload } from './fake-entries.ts'

/** Answers them from the entries. */
export class FakeSetec {
  readonly #entries: FakeEntries
  /** Numbers that were used by what was purged, by key. */
  readonly claimed = new Map<string, ReadonlySet<number>>()
  /** Versions that an entry keeps; older ones go. */
  maxVersions = Number.POSITIVE_INFINITY

  constructor(entries: FakeEntries) {
    this.#entries = entries
  }

  dialect({ dialect, operation, key, request }: Payload): object {
    const path = String(key)
    const { operations } = SETEC_DIALECT
    const name = String(operation)
    if (dialect !== SETEC_DIALECT.name || !Object.hasOwn(operations, name)) {
      throw new SecregError('DIALECT_REFUSED', 'no such operation')
    }
    const { effects, result } = operations[name as keyof typeof operations].plan(
      this.#stateOf(path),
      request,
    )
    for (const effect of effects) this.#apply(path, effect)
    return { result }
  }

  #stateOf(path: string): DialectEntry {
    const entry = this.#entries.live.get(path) ?? this.#entries.deleted.get(path)
    const latest = entry?.latest ?? 0
    return {
      path,
      exists: entry !== undefined,
      active: entry?.version ?? 0,
      latest,
      next: latest + 1,
      base: 0,
      isDeleted: this.#entries.deleted.has(path),
      isPrivate: false,
      isEphemeral: false,
      custom: {},
      isClaimed: (version) =>
        entry?.versions.has(version) === true || this.claimed.get(path)?.has(version) === true,
      stateOf: (version) => entry?.versions.get(version)?.state,
      holds: (version, bytes) => entry?.versions.get(version)?.value === encodeBase64(bytes),
    }
  }

  #apply(path: string, effect: DialectEffect): void {
    if (effect.do === 'activate') this.#entries.activate(this.#entries.entry(path), effect.version)
    else if (effect.do === 'put') {
      const { bytes } = effect.value
      const number = effect.version ?? 0
      this.#prune(path, this.#entries.putNumber(path, number, encodeBase64(bytes)))
    } else throw new SecregError('INTERNAL', 'no import does this')
  }

  #prune(path: string, entry: FakeEntry): void {
    const gone = [...entry.versions.keys()].sort((a, b) => a - b)
    while (gone.length > this.maxVersions) {
      const number = gone.shift() ?? 0
      if (number !== entry.version) entry.versions.delete(number)
      this.claimed.set(path, new Set([...(this.claimed.get(path) ?? []), number]))
    }
  }
}
