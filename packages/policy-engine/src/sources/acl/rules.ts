/** One document of ACLs as it applies to one subject: the nearest ACL that reaches a path is the only one. */

import type { Decision } from '../../cell.ts'
import type { Facts } from '../../condition.ts'
import { TRUE, UNKNOWN } from '../../condition.ts'
import type { ExplainedRule } from '../../explain.ts'
import { meets } from '../mount.ts'
import {
  Answers,
  applying,
  type ForeignRules,
  type Outlook,
  outlook,
  type Question,
  SILENT,
} from '../source.ts'
import { ACL_WORDS, type AclAction, OWNER_ACTIONS } from './actions.ts'
import type { AclSource, ReadAcl, ReadPermission } from './source.ts'

/** See `ForeignRules`. ACLs never deny. */
export class AclRules implements ForeignRules {
  readonly #source: AclSource
  readonly #principals: ReadonlySet<string>
  readonly #answers = new Answers()

  constructor(source: AclSource, principals: ReadonlySet<string>) {
    this.#source = source
    this.#principals = principals
  }

  verdict({ action, resource, facts }: Question): Decision | undefined {
    const [word] = ACL_WORDS.get(action) ?? []
    const acl = word === undefined ? undefined : nearestAcl(this.#source.acls, resource)
    if (word === undefined || acl === undefined) return undefined
    const names = this.#owns(acl, word) ? [acl.ownerName] : []
    for (const permission of this.#naming(acl, word)) {
      // A condition that fails is this permission's alone: a later one may still allow (specs/secreg.md §8, 42).
      if (holds(permission, facts)) names.push(permission.name)
    }
    return this.#answers.allow(names)
  }

  outlook({ action, resource, facts }: Question): Outlook {
    const [word] = ACL_WORDS.get(action) ?? []
    const { mount, acls } = this.#source
    if (word === undefined || !meets(mount, resource)) return SILENT
    const grants = (acl: ReadAcl): boolean =>
      this.#owns(acl, word) || this.#naming(acl, word).some((one) => holds(one, facts))
    const mayAllow = [...acls.values()].some(grants)
    return outlook({ mayAllow, allows: mayAllow && speakAllBelow(acls, resource, grants) })
  }

  explain({ action, resource, facts }: Question): readonly ExplainedRule[] {
    const [word] = ACL_WORDS.get(action) ?? []
    const acl = word === undefined ? undefined : nearestAcl(this.#source.acls, resource)
    if (word === undefined || acl === undefined) return []
    const owned = this.#owns(acl, word) ? [applying(acl.ownerName)] : []
    return [...owned, ...this.#naming(acl, word).map((permission) => explainOne(permission, facts))]
  }

  #owns({ owner }: ReadAcl, word: AclAction): boolean {
    return owner !== undefined && this.#principals.has(owner) && OWNER_ACTIONS.includes(word)
  }

  #naming({ permissions }: ReadAcl, word: AclAction): readonly ReadPermission[] {
    return permissions.filter(({ principal, actions }) => {
      return this.#principals.has(principal) && actions.has(word)
    })
  }
}

/**
 * The ACL that speaks for a path (specs/secreg.md §7.2 row 25): its own, else that of the nearest ancestor whose
 * inheritance reaches so far down.
 */
export function nearestAcl(
  acls: ReadonlyMap<string, ReadAcl>,
  resource: string,
): ReadAcl | undefined {
  let path = resource
  for (let levels = 0; ; levels++) {
    const acl = acls.get(path)
    if (acl !== undefined && levels <= acl.levels) return acl
    if (path === '/') return undefined
    path = path.slice(0, path.lastIndexOf('/')) || '/'
  }
}

/** Tell whether an ACL speaks for everything below a path, and all that speak for something there are as asked. */
function speakAllBelow(
  acls: ReadonlyMap<string, ReadAcl>,
  path: string,
  asked: (acl: ReadAcl) => boolean,
): boolean {
  const prefix = path === '/' ? path : `${path}/`
  for (const [key, acl] of acls) {
    if (key !== path && key.startsWith(prefix) && !asked(acl)) return false
  }
  let above = path
  for (let levels = 0; ; levels++) {
    const acl = acls.get(above)
    if (acl !== undefined && acl.levels > levels) {
      if (!asked(acl)) return false
      if (acl.levels === Number.POSITIVE_INFINITY) return true
    }
    if (above === '/') return false
    above = above.slice(0, above.lastIndexOf('/')) || '/'
  }
}

function holds({ conditions }: ReadPermission, facts: Facts): boolean {
  return conditions.every((condition) => condition.evaluate(facts) === TRUE)
}

function explainOne({ name, conditions }: ReadPermission, facts: Facts): ExplainedRule {
  const unmet = conditions.flatMap((condition) => {
    const truth = condition.evaluate(facts)
    if (truth === TRUE) return []
    const unknown = truth === UNKNOWN ? { unknown: true as const } : {}
    return [
      { clause: 'when' as const, condition: condition.name, wants: condition.wants, ...unknown },
    ]
  })
  return { rule: name, effect: 'allow', applies: unmet.length === 0, unmet }
}
