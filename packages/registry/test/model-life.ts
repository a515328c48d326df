/** State of the model: the lives of a path with their versions, and what can be read of them (DESIGN §4). */
import type { Reason, ValueType, VersionState } from '@secreg/protocol'

/** What the model refuses with. */
export class Refusal extends Error {
  readonly reason: Reason
  constructor(reason: Reason) {
    super(reason)
    this.reason = reason
  }
}

export interface ModelVersion {
  readonly type: ValueType
  readonly text: string
  readonly encrypted: boolean
  readonly createdAt: number
  readonly createdBy: string
  expiresAt?: number
  destroyed?: true
  /** The sweeper has come after it expired. */
  swept?: true
}

export interface Description {
  description?: string
  tags: string[]
  custom: Record<string, string>
  granted: string[]
}

/** One life of a path. */
export interface Life extends Description {
  /** Goes with it when it is moved. */
  readonly id: number
  private: boolean
  ephemeral: boolean
  readonly createdAt: number
  readonly createdBy: string
  modifiedAt: number
  modifiedBy: string
  /** Modify revision. */
  revision: number
  /** Latest number of the lives before. */
  base: number
  latest: number
  active: number
  deletedAt?: number
  deletedBy?: string
  expiresAt?: number
  versions: Map<number, ModelVersion>
  maxVersions?: number
  casRequired?: boolean
  deleteAfterS?: number
}

/** A path with its life, and with what is remembered of the lives before. */
export interface Place {
  life?: Life
  /** Latest number ever used while there is no life. */
  latest: number
  /** An entry in memory was lost: only that no number repeats is known. */
  floating: boolean
  /** Life that was moved away from here, and that knows the numbers itself. */
  movedId?: number
}

export function stateOf(version: ModelVersion, now: number): VersionState {
  if (version.destroyed) return 'destroyed'
  return version.expiresAt !== undefined && version.expiresAt <= now ? 'expired' : 'kept'
}

export function isExpired({ expiresAt }: Life, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now
}

export function activeOf(life: Life): ModelVersion {
  const version = life.versions.get(life.active)
  if (version === undefined) throw new Error('the active version is never pruned')
  return version
}

export function isLive(life: Life | undefined, now: number): life is Life {
  return (
    life !== undefined &&
    !isExpired(life, now) &&
    life.deletedAt === undefined &&
    stateOf(activeOf(life), now) === 'kept'
  )
}

/** Whether status counts it: what has expired counts until the sweeper has come. */
export function isCounted(life: Life | undefined): boolean {
  if (life === undefined || life.deletedAt !== undefined) return false
  const { swept, destroyed } = activeOf(life)
  return swept === undefined && destroyed === undefined
}

export function requirePresent(life: Life | undefined, now: number): Life {
  if (life === undefined || isExpired(life, now)) throw new Refusal('STORAGE_KEY_NOT_FOUND')
  if (life.deletedAt !== undefined) throw new Refusal('ENTRY_DELETED')
  return life
}

export function requireReadable(life: Life, number: number, now: number): ModelVersion {
  const version = life.versions.get(number)
  if (version === undefined) throw new Refusal('VERSION_NOT_FOUND')
  switch (stateOf(version, now)) {
    case 'destroyed':
      throw new Refusal('VERSION_DESTROYED')
    case 'kept':
      return version
    default:
      throw new Refusal('VERSION_DELETED')
  }
}

export function requireLive(life: Life | undefined, now: number): Life {
  const present = requirePresent(life, now)
  requireReadable(present, present.active, now)
  return present
}

/** Latest number used in this life; 0 = none yet. */
export function latestOf(life: Life | undefined): number {
  return life?.latest ?? 0
}

/** Modify revision of what can be read; 0 = nothing. */
export function revisionOf(life: Life | undefined, now: number): number {
  return isLive(life, now) ? life.revision : 0
}

export function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)
}

/** Take away the oldest versions that are too many; never the active one. */
export function prune(life: Life, most: number): void {
  for (const number of [...life.versions.keys()].sort((a, b) => a - b)) {
    if (life.versions.size <= most) return
    if (number !== life.active) life.versions.delete(number)
  }
}
