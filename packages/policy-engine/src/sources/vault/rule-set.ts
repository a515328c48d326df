/**
 * Vault policies of one subject as one rule set: the same pattern is merged, and of all that match a path the most
 * specific alone speaks (specs/kv2.md §3).
 */

import { utf8Length } from '../../pattern.ts'
import {
  comparePriority,
  isExact,
  literalHead,
  matchesPath,
  parseVaultPattern,
  type VaultPattern,
} from './pattern.ts'
import { DENIED, mergePermissions, type Permissions } from './permissions.ts'
import type { VaultRule } from './read.ts'
import { fillTemplate, templateHead, type VaultIdentity } from './template.ts'
import type { VaultCapability } from './words.ts'

/** A rule with the name that an answer gives for it. */
export interface NamedRule {
  readonly name: string
  readonly rule: VaultRule
}

/** A pattern with what all policies say of it. */
export interface Speaker {
  readonly pattern: VaultPattern
  readonly permissions: Permissions
  /** Names of its rules, with what each grants. */
  readonly sources: readonly Source[]
  /** Those names by capability, as they were asked for. */
  readonly names: Map<VaultCapability, readonly string[]>
}

interface Source {
  readonly name: string
  readonly capabilities: ReadonlySet<VaultCapability>
}

/** The rules that count at one time, for one subject. */
export class VaultRuleSet {
  readonly #speakers: readonly Speaker[]
  /** Speak before all others about what begins with their body. */
  readonly #vetoes: Speaker[] = []
  readonly #exact = new Map<string, Speaker>()
  readonly #prefixes = new Map<string, Speaker>()
  /** Lengths of the prefixes, longest first. */
  readonly #lengths: readonly number[]
  /** Patterns with `+`, the one that speaks first. */
  readonly #wild: readonly Speaker[]

  constructor(rules: readonly NamedRule[], identity: VaultIdentity) {
    const merged = new Map<string, Speaker>()
    for (const named of rules) {
      const { permissions } = named.rule
      const pattern = patternOf(named.rule, identity)
      if (pattern === undefined) {
        // A deny must not be lost by what a subject calls itself, so it covers all that its pattern could be.
        if (permissions.capabilities.has('deny')) this.#vetoes.push(vetoOf(named))
        continue
      }
      const { capabilities } = permissions
      const sources = [{ name: named.name, capabilities }]
      const made = { pattern, permissions, sources, names: new Map() }
      const known = merged.get(pattern.text)
      merged.set(pattern.text, known === undefined ? made : mergeSpeakers(known, made))
    }
    this.#speakers = [...merged.values()]
    for (const speaker of this.#speakers) {
      const { pattern } = speaker
      if (isExact(pattern)) this.#exact.set(pattern.body, speaker)
      else if (pattern.segments === undefined) this.#prefixes.set(pattern.body, speaker)
    }
    this.#lengths = [...new Set([...this.#prefixes.keys()].map((body) => body.length))].sort(
      (a, b) => b - a,
    )
    this.#wild = this.#speakers
      .filter(({ pattern }) => pattern.segments !== undefined)
      .sort((a, b) => comparePriority(b.pattern, a.pattern))
  }

  /**
   * The pattern that speaks about a path.
   *
   * @param listing the path is listed: an exact pattern without the `/` at its end counts too
   */
  speaker(path: string, listing: boolean): Speaker | undefined {
    const veto = this.#vetoes.find(({ pattern }) => path.startsWith(pattern.body))
    if (veto !== undefined) return veto
    const exact =
      this.#exact.get(path) ??
      (listing && path.endsWith('/') ? this.#exact.get(path.slice(0, -1)) : undefined)
    if (exact !== undefined) return exact
    const prefix = this.#longestPrefix(path)
    if (this.#wild.length === 0) return prefix
    const parts = path.split('/')
    const wild = this.#wild.find(({ pattern }) => matchesPath(pattern, path, parts))
    if (wild === undefined || prefix === undefined) return wild ?? prefix
    return comparePriority(wild.pattern, prefix.pattern) > 0 ? wild : prefix
  }

  /** Patterns that can speak about a path that begins with `head`. */
  within(head: string): readonly Speaker[] {
    return [...this.#vetoes, ...this.#speakers].filter(({ pattern }) => {
      const literal = literalHead(pattern)
      return literal.startsWith(head) || head.startsWith(literal)
    })
  }

  #longestPrefix(path: string): Speaker | undefined {
    for (const length of this.#lengths) {
      const speaker = length <= path.length && this.#prefixes.get(path.slice(0, length))
      if (speaker) return speaker
    }
    return undefined
  }
}

/** The pattern of a rule for an identity; `undefined` if it has none that may stand there. */
function patternOf({ pattern }: VaultRule, identity: VaultIdentity): VaultPattern | undefined {
  if (!('pieces' in pattern)) return pattern
  const text = fillTemplate(pattern, identity)
  const parsed = text === undefined ? 'is refused' : parseVaultPattern(text)
  return typeof parsed === 'string' ? undefined : parsed
}

/** A speaker about everything that a deny with a template could be about, whoever the subject is. */
function vetoOf({ name, rule }: NamedRule): Speaker {
  const head = 'pieces' in rule.pattern ? templateHead(rule.pattern) : ''
  const parsed = parseVaultPattern(head)
  const body = typeof parsed === 'string' ? '' : literalHead(parsed)
  const pattern: VaultPattern = {
    text: rule.text,
    prefix: true,
    body,
    bytes: utf8Length(body),
    segments: undefined,
    firstWild: body.length,
    plusses: 0,
  }
  const sources = [{ name, capabilities: DENIED.capabilities }]
  return { pattern, permissions: DENIED, sources, names: new Map() }
}

function mergeSpeakers(a: Speaker, b: Speaker): Speaker {
  return {
    pattern: a.pattern,
    permissions: mergePermissions(a.permissions, b.permissions),
    sources: [...a.sources, ...b.sources],
    names: new Map(),
  }
}
