/** The libvirt documents of one subject under one mount: what one of them permits, it may. */

import type { Decision } from '../../cell.ts'
import type { ExplainedRule } from '../../explain.ts'
import { below, meets } from '../mount.ts'
import {
  Answers,
  applying,
  type ForeignRules,
  type Outlook,
  outlook,
  type Question,
  SILENT,
} from '../source.ts'
import { LIBVIRT_WORDS } from './permissions.ts'
import { type LibvirtSource, type ReadLibvirtRule, UUID, usageHolds } from './source.ts'

/** A permission that a question needs, with the rules that give it here, usage apart. */
interface Need {
  readonly rules: readonly ReadLibvirtRule[]
}

/** See `ForeignRules`. */
export class LibvirtRules implements ForeignRules {
  readonly #mount: string
  /** Rules of a permission by the secret they are about, `*` for all and for the mount. */
  readonly #byPermission = new Map<string, Map<string, ReadLibvirtRule[]>>()
  readonly #answers = new Answers()

  /** @param sources at least one, all of one mount */
  constructor(sources: readonly LibvirtSource[]) {
    this.#mount = sources[0]?.mount ?? '/'
    for (const rule of sources.flatMap(({ rules }) => rules)) {
      for (const permission of rule.permissions) {
        const bySecret = this.#byPermission.get(permission) ?? new Map<string, ReadLibvirtRule[]>()
        this.#byPermission.set(permission, bySecret)
        const all = permission.startsWith('connect:') ? undefined : rule.secrets
        for (const secret of all ?? ['*']) {
          const known = bySecret.get(secret)
          if (known === undefined) bySecret.set(secret, [rule])
          else known.push(rule)
        }
      }
    }
  }

  verdict(question: Question): Decision | undefined {
    return this.#answers.allow(this.#granting(question))
  }

  outlook({ action, resource }: Question): Outlook {
    // Below a secret there is nothing: it is one segment.
    if (!meets(this.#mount, resource) || below(this.#mount, resource)) return SILENT
    const needed = LIBVIRT_WORDS.get(action) ?? []
    return outlook({
      mayAllow: needed.some((permission) => this.#byPermission.has(permission)),
    })
  }

  explain(question: Question): readonly ExplainedRule[] {
    const needs = this.#needs(question)
    if (needs.length === 0 || needs.some(({ rules }) => rules.length === 0)) return []
    const granting = new Set(this.#granting(question))
    if (granting.size > 0) return [...granting].map(applying)
    // Not whether the usage is known: that would tell whether there is such a secret.
    const unmet = [{ clause: 'when' as const, condition: 'usage' as const, wants: 'usage' }]
    return namesOf(needs, () => true).map((rule) => ({
      rule,
      effect: 'allow',
      applies: false,
      unmet,
    }))
  }

  /** Names of the rules that grant together what is asked for; none if something is missing. */
  #granting(question: Question): string[] {
    const { usage } = question.facts.context
    const holds = (rule: ReadLibvirtRule): boolean => usageHolds(rule, usage) === true
    const needs = this.#needs(question)
    return needs.every(({ rules }) => rules.some(holds)) ? namesOf(needs, holds) : []
  }

  #needs({ action, resource }: Question): readonly Need[] {
    const secret = below(this.#mount, resource)
    if (secret === undefined || (secret !== '' && !UUID.test(secret))) return []
    const object = secret === '' ? 'connect:' : 'secret:'
    return (LIBVIRT_WORDS.get(action) ?? [])
      .filter((permission) => permission.startsWith(object))
      .map((permission) => {
        const bySecret = this.#byPermission.get(permission)
        return { rules: [...(bySecret?.get('*') ?? []), ...(bySecret?.get(secret) ?? [])] }
      })
  }
}

function namesOf(needs: readonly Need[], holds: (rule: ReadLibvirtRule) => boolean): string[] {
  return [...new Set(needs.flatMap(({ rules }) => rules.filter(holds).map(({ name }) => name)))]
}
