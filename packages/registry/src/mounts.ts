/** The mount table (DESIGN §4): which write rules hold where, and their limits. */
import { type Dialect, isAtOrBelow, type MountInfo, SecregError } from '@secreg/protocol'
import type { Engine, Op, Row } from '@secreg/storage'
import { MOUNT_SPACE } from './keys.ts'

/** Dialect of the registry itself: a new version is active at once; the newest are kept. */
export const REGISTRY_DIALECT: Dialect = Object.freeze({
  name: 'registry',
  encrypted: false,
  maxVersions: 10,
  maxVersion: 999_999_999_999,
  activatesNew: true,
  operations: Object.freeze({}),
})

/** Subtrees that foreign doors have from the start. */
const BUILT_IN: readonly Mount[] = [
  { path: '/', dialect: 'registry' },
  { path: '/libvirt', dialect: 'libvirt' },
  { path: '/setec', dialect: 'setec' },
]

/** One row of the table. */
export interface Mount {
  readonly path: string
  readonly dialect: string
  readonly maxVersions?: number
  readonly casRequired?: boolean
  readonly deleteAfterMs?: number
  readonly encrypt?: boolean
  /** Most entries in the subtree. */
  readonly maxEntries?: number
  /** Most bytes that they take (`usage.ts`). */
  readonly maxBytes?: number
}

/** What holds at one path. */
export interface MountRules extends Mount {
  /** `undefined` when this process does not know the dialect: nothing is written then. */
  readonly rules: Dialect | undefined
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export class Mounts {
  readonly #engine: Engine
  readonly #dialects: ReadonlyMap<string, Dialect>
  #stored = new Map<string, Mount>()
  /** Longest paths first. */
  #table: readonly MountRules[] = []

  constructor(engine: Engine, dialects: readonly Dialect[]) {
    this.#engine = engine
    this.#dialects = new Map(
      [REGISTRY_DIALECT, ...dialects].map((dialect) => [dialect.name, dialect]),
    )
    this.#build()
  }

  /**
   * Read the table from the store.
   *
   * @throws SecregError `ERR_STORAGE_CORRUPT`
   */
  async load(): Promise<void> {
    const stored = new Map<string, Mount>()
    for await (const row of this.#engine.iterate(MOUNT_SPACE)) stored.set(row.key, parse(row))
    this.#stored = stored
    this.#build()
  }

  /** Take a committed change into force. */
  apply(ops: readonly Op[]): void {
    this.#stored = changed(this.#stored, ops)
    this.#build()
  }

  /** Rules of the subtree that a path is in. */
  at(path: string): MountRules {
    return ruling(this.#table, path)
  }

  /** The same as it will be once a change has been committed. */
  after(ops: readonly Op[]): (path: string) => MountRules {
    const table = this.#tableOf(changed(this.#stored, ops))
    return (path) => ruling(table, path)
  }

  dialect(name: string): Dialect | undefined {
    return this.#dialects.get(name)
  }

  /** Whether a path is a mount that no request may remove. */
  isBuiltIn(path: string): boolean {
    return BUILT_IN.some((mount) => mount.path === path)
  }

  list(): readonly MountRules[] {
    return [...this.#table].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  #build(): void {
    this.#table = this.#tableOf(this.#stored)
  }

  #tableOf(stored: ReadonlyMap<string, Mount>): readonly MountRules[] {
    const mounts = new Map(BUILT_IN.map((mount) => [mount.path, mount]))
    for (const mount of stored.values()) mounts.set(mount.path, mount)
    return [...mounts.values()]
      .map((mount) => ({ ...mount, rules: this.#dialects.get(mount.dialect) }))
      .sort((a, b) => b.path.length - a.path.length)
  }
}

function ruling(table: readonly MountRules[], path: string): MountRules {
  return table.find((mount) => mount.path === '/' || isAtOrBelow(path, mount.path)) as MountRules
}

function changed(before: ReadonlyMap<string, Mount>, ops: readonly Op[]): Map<string, Mount> {
  const stored = new Map(before)
  for (const op of ops) {
    if (!op.key.startsWith(MOUNT_SPACE.gte)) continue
    if (op.type === 'put') stored.set(op.key, parse(op))
    else stored.delete(op.key)
  }
  return stored
}

export function encodeMount(mount: Mount): Uint8Array {
  return encoder.encode(JSON.stringify(mount))
}

/** @param used - of a mount with a quota */
export function infoOfMount(
  { rules, deleteAfterMs, ...mount }: MountRules,
  used?: Pick<MountInfo, 'entries' | 'bytes'>,
): MountInfo {
  return {
    path: mount.path,
    dialect: mount.dialect,
    available: rules !== undefined,
    ...(mount.maxVersions === undefined ? {} : { max_versions: mount.maxVersions }),
    ...(mount.casRequired === undefined ? {} : { cas_required: mount.casRequired }),
    ...(deleteAfterMs === undefined ? {} : { delete_after_s: deleteAfterMs / 1000 }),
    ...(mount.encrypt === undefined ? {} : { encrypt: mount.encrypt }),
    ...(mount.maxEntries === undefined ? {} : { max_entries: mount.maxEntries }),
    ...(mount.maxBytes === undefined ? {} : { max_bytes: mount.maxBytes }),
    ...used,
  }
}

function parse(row: Pick<Row, 'value'>): Mount {
  try {
    return JSON.parse(decoder.decode(row.value)) as Mount
  } catch (cause) {
    throw new SecregError('STORAGE_CORRUPT', 'a stored mount cannot be read', { cause })
  }
}
