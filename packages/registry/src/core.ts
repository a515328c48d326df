/** What the operations of the registry share; made once by `openRegistry`. */
import type { CryptoBackend } from '@secreg/crypto'
import type { Engine } from '@secreg/storage'
import type { Authorizer } from './authorizer.ts'
import type { Counters } from './counters.ts'
import type { Eraser } from './eraser.ts'
import type { ExpiryClock } from './expiry-clock.ts'
import type { Journal } from './journal.ts'
import type { KeyState } from './key-state.ts'
import type { Mounts } from './mounts.ts'
import type { PolicyAnalysis } from './policy/analysis.ts'
import type { Polls } from './polls.ts'
import type { Renumbering } from './renumbering.ts'
import type { Writer } from './writer.ts'

/** Settings that operations look at; they may be replaced while the registry runs. */
export interface RegistrySettings {
  /** Sessions of a password without a second factor are good for nothing but setting one up. */
  readonly requireMfa: boolean
  /** Plain values can be read while sealed. */
  readonly sealedReads: boolean
  /** Lock it when a scrub finds that somebody has put older rows back, removed or inserted some; default true. */
  readonly lockOnTampering?: boolean
  /** Subtrees in which every value is encrypted, canonical prefixes. */
  readonly encryptPrefixes: readonly string[]
  /** Subtrees where the record of a write names the value by a keyed hash, canonical prefixes; default none. */
  readonly valueHashPrefixes?: readonly string[]
  /** Answer reads and refusals once their record is synced, not only written; default false. */
  readonly syncEveryRecord?: boolean
}

export interface Core {
  readonly engine: Engine
  readonly journal: Journal
  readonly writer: Writer
  readonly authorizer: Authorizer
  readonly keys: KeyState
  readonly counters: Counters
  readonly crypto: CryptoBackend
  readonly mounts: Mounts
  /** Goes for expiry; `now` for what is shown. */
  readonly clock: ExpiryClock
  readonly eraser: Eraser
  readonly polls: Polls
  readonly analysis: PolicyAnalysis
  /** How far a restore has raised version numbers. */
  renumbering: Renumbering
  settings: RegistrySettings
  /** Milliseconds since the epoch. */
  now(): number
  /** A random 128-bit id, hexadecimal. */
  newEntryId(): string
}
