/** Writes of libvirt's dialect to the fake registry, by the rules that the daemon has. */
import { LIBVIRT_DIALECT, secretPath, usageKey, usageOf } from '@secreg/libvirt/dialect'
import { type DialectEffect, type DialectEntry, encodeBase64, SecregError } from '@secreg/protocol'
import type { FakeEntries, Payload } from './fake-entries.ts'

/** Answers them from the entries. */
export class FakeLibvirt {
  readonly #entries: FakeEntries
  /** Refusals of an operation, by the UUID of the secret. */
  readonly refused = new Map<string, readonly [operation: string, error: SecregError]>()

  constructor(entries: FakeEntries) {
    this.#entries = entries
  }

  dialect({ operation, key, request }: Payload): object {
    const path = String(key)
    const { operations } = LIBVIRT_DIALECT
    const name = String(operation)
    if (!Object.hasOwn(operations, name)) {
      throw new SecregError('DIALECT_REFUSED', 'no such operation')
    }
    for (const [uuid, [refused, error]] of this.refused) {
      if (path === secretPath(uuid) && refused === name) throw error
    }
    const { plan } = operations[name as keyof typeof operations]
    const { effects, result } = plan(this.#stateOf(path), request)
    for (const effect of effects) this.#apply(path, effect)
    return { result }
  }

  /** Path of the entry that has something which only one may have. */
  find(unique: unknown): string | undefined {
    const found = [...this.#entries.live].find(([path, { custom }]) => {
      return path.startsWith('/libvirt/') && usageKey(usageOf(custom)) === unique
    })
    return found?.[0]
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
      isPrivate: entry?.settings['private'] === true,
      isEphemeral: entry?.settings['ephemeral'] === true,
      custom: entry?.custom ?? {},
      isClaimed: (version) => entry?.versions.has(version) === true,
      stateOf: (version) => entry?.versions.get(version)?.state,
      holds: (version, bytes) => entry?.versions.get(version)?.value === encodeBase64(bytes),
    }
  }

  #apply(path: string, effect: DialectEffect): void {
    if (effect.do === 'put') {
      this.#entries.put(path, encodeBase64(effect.value.bytes), 'bytes', true)
    } else if (effect.do === 'define') this.#define(path, effect)
    else throw new SecregError('INTERNAL', 'no import does this')
  }

  #define(path: string, effect: Extract<DialectEffect, { do: 'define' }>): void {
    const before = this.#entries.live.get(path)
    const custom = { ...before?.custom }
    for (const [name, value] of Object.entries(effect.custom ?? {})) {
      if (value === null) delete custom[name]
      else custom[name] = value
    }
    const unique = usageKey(usageOf(custom))
    const holder = unique === undefined ? undefined : this.find(unique)
    if (holder !== undefined && holder !== path) {
      throw new SecregError('ALREADY_EXISTS', 'another entry has what only one may have')
    }
    const entry = before ?? this.#entries.define(path)
    entry.custom = custom
    if (effect.description === null) delete entry.description
    else if (effect.description !== undefined) entry.description = effect.description
    for (const name of ['private', 'ephemeral'] as const) entry.settings[name] = effect[name]
  }
}
