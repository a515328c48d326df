/** Secrets in memory that behave as libvirt's driver does, but for the uniqueness of usages, which holds always. */

import type { SecretEvent, SecretsPort } from '@secreg/libvirt/server'
import type { SecretDefinition, SecretDraft, SecretUsage } from '../src/secret/types.ts'
import { LIBVIRT_ERRORS } from '../src/wire/errors.ts'

interface Held {
  definition: SecretDefinition
  value?: Uint8Array
}

export class MemorySecrets {
  readonly #held = new Map<string, Held>()
  readonly #watchers = new Map<(event: SecretEvent) => void, () => void>()
  /** Makes the UUID of a draft without one. */
  randomUuid: () => string = () => crypto.randomUUID()

  get size(): number {
    return this.#held.size
  }

  /** No more is told to those who watch. */
  endWatches(): void {
    const ends = [...this.#watchers.values()]
    this.#watchers.clear()
    for (const end of ends) end()
  }

  /** How many watch. */
  get watching(): number {
    return this.#watchers.size
  }

  /** As a restart of the daemon leaves them. */
  forgetEphemeral(): void {
    for (const [uuid, { definition }] of this.#held) {
      if (definition.ephemeral) this.#held.delete(uuid)
    }
  }

  /** Take a definition as it is, silently. */
  put(definition: SecretDefinition): void {
    this.#held.set(definition.uuid, { definition })
  }

  /** Take a secret away, silently. */
  drop(uuid: string): void {
    this.#held.delete(uuid)
  }

  /** @param elevated - may read private values */
  port(elevated = false): SecretsPort {
    return {
      list: async () =>
        [...this.#held.values()]
          .map(({ definition }) => definition)
          .sort((a, b) => (a.uuid < b.uuid ? -1 : 1)),
      lookup: async (uuid) => this.#find(uuid).definition,
      describe: async (uuid) => this.#find(uuid).definition,
      lookupByUsage: async (usage) => this.#findUsage(usage),
      define: async (draft) => this.#define(draft),
      setValue: async (uuid, value) => {
        const held = this.#find(uuid)
        held.value = value.slice()
        this.#tell({ type: 'value-changed', secret: held.definition })
      },
      getValue: async (uuid) => {
        const held = this.#find(uuid)
        if (held.definition.private && !elevated) throw LIBVIRT_ERRORS.isPrivate()
        if (held.value === undefined) throw LIBVIRT_ERRORS.noValue(uuid)
        return held.value.slice()
      },
      undefine: async (uuid) => {
        const { definition } = this.#find(uuid)
        this.#held.delete(uuid)
        this.#tell({ type: 'lifecycle', event: 'undefined', secret: definition })
      },
      watch: async (onEvent, onEnd) => {
        const watcher = (event: SecretEvent): void => onEvent(event)
        this.#watchers.set(watcher, onEnd)
        return () => {
          this.#watchers.delete(watcher)
        }
      },
    }
  }

  #find(uuid: string): Held {
    const held = this.#held.get(uuid)
    if (held === undefined) throw LIBVIRT_ERRORS.noSecret(uuid)
    return held
  }

  #withUsage(usage: SecretUsage): SecretDefinition | undefined {
    if (usage.type === 'none') return undefined
    for (const { definition } of this.#held.values()) {
      if (definition.usage.type === usage.type && definition.usage.id === usage.id) {
        return definition
      }
    }
    return undefined
  }

  #findUsage(usage: SecretUsage): SecretDefinition {
    const found = this.#withUsage(usage)
    if (found === undefined) throw LIBVIRT_ERRORS.noSecretUsage(usage.id)
    return found
  }

  #define(draft: SecretDraft): SecretDefinition {
    const definition: SecretDefinition = { ...draft, uuid: draft.uuid ?? this.randomUuid() }
    const { uuid, usage } = definition
    const old = this.#held.get(uuid)
    if (old !== undefined) {
      const before = old.definition.usage
      if (before.id !== usage.id) {
        throw LIBVIRT_ERRORS.usageChanged(uuid, before.type === 'none' ? undefined : before.id)
      }
      if (old.definition.private && !definition.private) throw LIBVIRT_ERRORS.privateCleared()
    }
    const other = this.#withUsage(usage)
    if (other !== undefined && other.uuid !== uuid) {
      throw LIBVIRT_ERRORS.duplicateUsage(other.uuid, usage.id)
    }
    if (old === undefined) this.#held.set(uuid, { definition })
    else old.definition = definition
    this.#tell({ type: 'lifecycle', event: 'defined', secret: definition })
    return definition
  }

  #tell(event: SecretEvent): void {
    for (const watcher of [...this.#watchers.keys()]) watcher(event)
  }
}
