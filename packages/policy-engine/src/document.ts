/** Policy documents as they are written (DESIGN §7): the types of the JSON that `compile` takes. */

import type { Action } from './action.ts'
import type { VaultOperation, VaultWord } from './sources/vault/words.ts'

/** A named list of rules. */
export interface PolicyDocument {
  /** Letters, digits, `.`, `_`, `-`; 1 to 64 characters, first a letter or digit. Unique among compiled documents. */
  readonly id: string
  /** For people; has no effect. */
  readonly description?: string
  readonly rules: readonly PolicyRule[]
}

/** One rule: who may or may not do what to which resources, and when. */
export interface PolicyRule {
  /** As a document's id; unique within the document. */
  readonly id: string
  /** For people; has no effect. */
  readonly description?: string
  readonly effect: Effect
  /** `kind:name`, or `*` for any authenticated caller. */
  readonly principals: readonly string[]
  readonly actions: readonly Action[]
  /** Resource patterns; administrative actions without a path are asked on `/`. */
  readonly resources: readonly string[]
  /** All members must hold. Unknown fails an allow and fires a deny. */
  readonly when?: PolicyConditions
  /** The rule does not apply if all members hold. Unknown counts as false. */
  readonly unless?: PolicyConditions
  /** Only of an allow. */
  readonly obligations?: Obligations
}

/** What a rule does when it applies. */
export type Effect = 'allow' | 'deny'

/** Conditions; an array means any of its items. At least one member. */
export interface PolicyConditions {
  readonly time?: TimeWindow
  /** IPv4 or IPv6 addresses and CIDR ranges. */
  readonly ip?: readonly string[]
  readonly mfa?: boolean
  readonly door?: readonly string[]
  readonly proof?: readonly Proof[]
  readonly purpose?: readonly string[]
  /** Equality with the resource's custom metadata, every key. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** Daily window `[from, to)` to the minute; `from` after `to` wraps midnight, equal is never. */
export interface TimeWindow {
  /** `HH:MM`, 00:00 to 23:59. */
  readonly from: string
  /** `HH:MM`, 00:00 to 23:59. */
  readonly to: string
  /** IANA name; default is the zone of the system. */
  readonly zone?: string
}

/** How the caller was proven: own credential, by the kernel, or asserted by a gateway (DESIGN §3). */
export type Proof = 'credential' | 'kernel' | 'asserted'

/** What a door must enforce on what it hands out. */
export interface Obligations {
  /** Longest time to live of the answer, in seconds; at least 1. */
  readonly ttlSeconds?: number
  /** How often the answer may be used; at least 1. */
  readonly maxUses?: number
}

/** A request of the KV v2 API. */
export interface ApiRequest {
  readonly word: VaultWord
  /** What it needs there. Absent: what the action is through this word. */
  readonly operation?: VaultOperation
  /** Top-level members of the body or query. Absent: unknown, so a pattern that asks for some does not allow. */
  readonly parameters?: Readonly<Record<string, unknown>>
  /** Of the response wrapping that was asked for, seconds. Absent: none. */
  readonly wrapTtlSeconds?: number
}

/** What is known about a request besides who, what and which. An absent member is unknown. */
export interface Context {
  /** Remote address. */
  readonly ip?: string | undefined
  readonly mfa?: boolean | undefined
  readonly door?: string | undefined
  readonly proof?: Proof | undefined
  readonly purpose?: string | undefined
  /** Metadata of the resource written under `grant`; a key that is not in it is known not to be equal. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** The request of KV v2 that this is, where its door speaks it: Vault policies then answer for its word alone. */
  readonly api?: ApiRequest | undefined
  /** Usage of a secret of libvirt, as its definition says it; of one that is yet to be made, as that will say it. */
  readonly usage?: { readonly type: string; readonly id?: string | undefined } | undefined
}
