/** One operation on the model: the state that it works on, and how it writes. */
import type { Action } from '@secreg/protocol'
import type { Model, Polls, RunFacts } from './model.ts'
import {
  activeOf,
  type Description,
  isExpired,
  isLive,
  type Life,
  type ModelVersion,
  type Place,
  prune,
  Refusal,
} from './model-life.ts'
import { may, type Who } from './model-policy.ts'

const DEFAULT_MAX_VERSIONS = 10
let lives = 0

export class ModelDraft {
  readonly who: Who
  readonly model: Model
  readonly places: Map<string, Place>
  readonly polls: Polls
  readonly now: number
  readonly wall: number
  readonly facts: RunFacts
  changes = false
  action = ''
  paths: readonly string[] = []
  versions: readonly number[] | undefined
  isRecorded = true

  constructor(model: Model, who: Who, facts: RunFacts) {
    this.model = model
    this.who = who
    this.facts = facts
    this.places = structuredClone(model.places) as Map<string, Place>
    this.polls = new Map(model.polls)
    this.now = model.clock.now()
    this.wall = model.clock.wall()
  }

  /** Revision that the answer names. */
  get revision(): number {
    return this.facts.head + (this.changes ? 1 : 0)
  }

  require(action: Action, path: string): void {
    if (!may(this.who, action, path)) throw new Refusal('ACCESS_DENIED')
  }

  /** The value of something may leave for who reads it. */
  requireValue(path: string, encrypted: boolean, life: Life): void {
    if (encrypted) this.require('decrypt', path)
    if (life.private) this.require('use-internal', path)
  }

  life(path: string): Life | undefined {
    const life = this.places.get(path)?.life
    return life === undefined || isExpired(life, this.now) ? undefined : life
  }

  isLive(path: string): boolean {
    return isLive(this.life(path), this.now)
  }

  /** Note that a life has changed. */
  touch(life: Life): void {
    this.changes = true
    life.modifiedAt = this.wall
    life.modifiedBy = this.who
    // Or a comparison of revisions would miss one of them.
    if (life.revision > this.facts.head) throw new Error('one revision has two states of an entry')
    life.revision = this.facts.head + 1
  }

  /** Write a new version and make it the active one. @returns its number */
  put(
    path: string,
    { type, text }: Pick<ModelVersion, 'type' | 'text'>,
    options: {
      readonly encrypted: boolean
      readonly private?: boolean
      readonly ephemeral?: boolean | undefined
      /** When the entry goes; absent: as it was. */
      readonly expiresAt?: number | 'never' | undefined
      readonly description?: Description
    },
  ): number {
    const life = this.life(path) ?? this.#begin(path)
    if (options.private) life.private = true
    // In memory it has no past: what was on disk is erased.
    if (options.ephemeral === true && !life.ephemeral) life.versions.clear()
    life.ephemeral = options.ephemeral ?? life.ephemeral
    if (options.expiresAt === 'never') delete life.expiresAt
    else if (options.expiresAt !== undefined) life.expiresAt = options.expiresAt
    Object.assign(life, options.description ?? {})
    const number = ++life.latest
    const { deleteAfterS } = life
    life.versions.set(number, {
      type,
      text,
      encrypted: options.encrypted,
      createdAt: this.wall,
      createdBy: this.who,
      ...(deleteAfterS === undefined ? {} : { expiresAt: this.now + 1000 * deleteAfterS }),
    })
    life.active = number
    delete life.deletedAt
    delete life.deletedBy
    prune(life, life.maxVersions ?? DEFAULT_MAX_VERSIONS)
    this.touch(life)
    return number
  }

  delete(life: Life): void {
    life.deletedAt = this.wall
    life.deletedBy = this.who
    this.touch(life)
  }

  purge(path: string): void {
    const { life } = this.place(path)
    if (life === undefined) throw new Error('nothing to purge')
    this.changes = true
    this.places.set(path, { latest: life.latest, floating: false })
  }

  /** Move a life with its history to a path without one. */
  move(from: string, to: string): void {
    const { life } = this.place(from)
    if (life === undefined) throw new Error('nothing to move')
    const target = this.place(to)
    // Its numbers are new there, or its own: they can stay. Otherwise they come after those that were used.
    const stays = (target.latest === 0 && target.life === undefined) || target.movedId === life.id
    if (stays) {
      this.places.set(from, { latest: life.latest, floating: false, movedId: life.id })
      this.touch(life)
      this.places.set(to, { latest: 0, floating: false, life })
      return
    }
    const base = this.#numbersBefore(to, life.latest - life.base)
    const shift = base - life.base
    const moved: Life = {
      ...life,
      id: ++lives,
      base,
      latest: life.latest + shift,
      active: life.active + shift,
      versions: new Map([...life.versions].map(([number, each]) => [number + shift, each])),
    }
    this.touch(moved)
    this.places.set(to, { latest: base, floating: false, life: moved })
    this.places.set(from, { latest: life.latest, floating: false })
  }

  /** Whether a value written there is encrypted unless its writer says otherwise. */
  staysEncrypted(path: string): boolean {
    const life = this.life(path)
    return life !== undefined && activeOf(life).encrypted
  }

  place(path: string): Place {
    return this.places.get(path) ?? { latest: 0, floating: false }
  }

  #begin(path: string): Life {
    const base = this.#numbersBefore(path, 1)
    const life: Life = {
      id: ++lives,
      private: false,
      ephemeral: false,
      createdAt: this.wall,
      createdBy: this.who,
      modifiedAt: this.wall,
      modifiedBy: this.who,
      revision: 0,
      base,
      latest: base,
      active: 0,
      versions: new Map(),
      tags: [],
      custom: {},
      granted: [],
    }
    this.places.set(path, { latest: base, floating: false, life })
    return life
  }

  /** Latest number of the lives before, where a new one is about to use some numbers. */
  #numbersBefore(path: string, uses: number): number {
    const place = this.place(path)
    // A life that has expired counts as one before.
    const known = place.life?.latest ?? place.latest
    if (!place.floating) return known
    const learned = (this.facts.learned.get(path) ?? known + uses) - uses
    if (learned < known) throw new Error(`a number of ${path} was used twice`)
    return learned
  }
}
