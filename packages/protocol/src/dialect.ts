/**
 * Write rules of foreign protocols (DESIGN §4), type only: pure functions from the state of one entry and a request to
 * what is to be done with it and what is answered. Packages of doors write them, the daemon gives them to the registry,
 * which decides, plans, encrypts, commits and records.
 */
import type { Action } from './action.ts'
import type { AuditAction } from './audit-body.ts'
import type { VersionState } from './entry-api.ts'
import type { TypedValue } from './value.ts'

/** One entry, as write rules see it; never its values. */
export interface DialectEntry {
  readonly path: string
  /** Whether there is an entry in this life of the path, deleted or not. */
  readonly exists: boolean
  /** Active version; 0 = none. */
  readonly active: number
  /** Latest number ever used, in any life of the path. */
  readonly latest: number
  /** Number that a version gets which is put without one: after a restore, far above the latest. */
  readonly next: number
  /** Latest number of the lives before this one. */
  readonly base: number
  readonly isDeleted: boolean
  readonly isPrivate: boolean
  readonly isEphemeral: boolean
  readonly custom: Readonly<Record<string, string>>
  /** Whether a number has ever been used, in any life. */
  isClaimed(version: number): boolean
  /** What became of a version; `undefined` when it has no row. */
  stateOf(version: number): VersionState | undefined
  /**
   * Compare the value of a version with bytes, in constant time for equal lengths; false when it cannot be read, or is
   * private and the caller may not have it.
   */
  holds(version: number, bytes: Uint8Array): boolean
}

/** What of an entry can make it unique. */
export type UniqueEntry = Pick<DialectEntry, 'path' | 'isDeleted' | 'custom'>

/** What an entry is for, as policies ask it: `none`, or a type with an id. */
export interface EntryUsage {
  readonly type: string
  readonly id?: string
}

/** What is to be done with the entry, in order. */
export type DialectEffect =
  | {
      readonly do: 'put'
      readonly value: TypedValue
      /** Default true; the first version of a life is active in any case. */
      readonly activate?: boolean
      /** Number that nobody has used; default the one after the latest. */
      readonly version?: number
      readonly private?: boolean
      readonly ephemeral?: boolean
    }
  /**
   * An entry with or without a version, made where there is none: one event, whatever changes. A value stays what it is;
   * made ephemeral, its active version goes on in memory, and the others are erased.
   */
  | {
      readonly do: 'define'
      readonly private?: boolean
      readonly ephemeral?: boolean
      /** Of this and of `custom`: `null` removes. */
      readonly description?: string | null
      readonly custom?: Readonly<Record<string, string | null>>
    }
  | { readonly do: 'activate'; readonly version: number }
  | { readonly do: 'delete' }
  | { readonly do: 'undelete' }
  | { readonly do: 'delete-version'; readonly version: number }
  | { readonly do: 'undelete-version'; readonly version: number }
  | { readonly do: 'destroy'; readonly version: number }
  | { readonly do: 'purge' }
  /** `null` removes a member. */
  | {
      readonly do: 'metadata'
      readonly description?: string | null
      readonly custom?: Readonly<Record<string, string | null>>
    }

/** What an operation does and answers. A refusal is thrown as a `SecregError`, and nothing is done then. */
export interface DialectOutcome {
  /** None: nothing is written; one record is left all the same. */
  readonly effects: readonly DialectEffect[]
  /** Answer of the door. */
  readonly result: unknown
}

/** One operation of a foreign door. */
export interface DialectOperation {
  /**
   * Right that it needs on the entry; of a write, by whether there is a value that can be read, and whether there is an
   * entry that is not deleted. Whatever has the effect `purge` needs that right besides.
   */
  readonly action: Action | ((isLive: boolean, isPresent: boolean) => Action)
  /** How the log names it. */
  readonly audit: AuditAction
  /**
   * Custom metadata with which it makes an entry where there is none, by the request alone: policy is asked whether the
   * caller may make such a one before anything else is looked at. `undefined` where the request does not say.
   */
  readonly makes?: (request: unknown) => Readonly<Record<string, string>> | undefined
  plan(entry: DialectEntry, request: unknown): DialectOutcome
}

/** The write rules of one protocol. */
export interface Dialect {
  readonly name: string
  /** Every value is encrypted, whatever is asked. */
  readonly encrypted: boolean
  /** Versions kept where neither mount nor entry says otherwise. */
  readonly maxVersions: number
  /** Highest version number that the protocol can say. */
  readonly maxVersion: number
  /** Whether a version that the registry door writes here becomes active; the first one does in any case. */
  readonly activatesNew: boolean
  /**
   * What no two entries of this dialect may share: the registry refuses whatever would give an entry what another one has,
   * through whichever door, and finds the entry that has it (`meta` with `find`).
   *
   * @returns any text, at most 1024 characters; `undefined` when the entry has no such thing
   */
  readonly unique?: (entry: UniqueEntry) => string | undefined
  /**
   * What an entry is for. Policies may ask it, so of an entry that is there it is changed by operations of the dialect,
   * or under `grant`.
   *
   * @returns `undefined` when the entry is nothing of the protocol
   */
  readonly usage?: (entry: Pick<DialectEntry, 'path' | 'custom'>) => EntryUsage | undefined
  /** Operations of its own door, by name. */
  readonly operations: Readonly<Record<string, DialectOperation>>
}
