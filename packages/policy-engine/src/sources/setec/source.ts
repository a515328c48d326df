/** Documents of source `setec`: its rules below a mount, where each secret is one segment (DESIGN §4). */

import type { Decision } from '../../cell.ts'
import type { ExplainedRule } from '../../explain.ts'
import type { Reader } from '../../reader.ts'
import type { ForeignHead } from '../head.ts'
import { below, meets } from '../mount.ts'
import { decodeName } from '../name.ts'
import {
  Answers,
  applying,
  type ForeignRules,
  type Outlook,
  outlook,
  type Question,
  SILENT,
} from '../source.ts'
import { SETEC_WORDS } from './actions.ts'
import { type ReadRule, RuleFinder, readSetecRules } from './rules.ts'

/** A document that was read. */
export interface SetecSource extends ForeignHead {
  readonly kind: 'setec'
  readonly rules: readonly ReadRule[]
}

/** Members of such a document beside those that all have. */
export const SETEC_MEMBERS: readonly string[] = ['rules']

/** Read what is setec's in a document. */
export function readSetec(at: Reader, head: ForeignHead): SetecSource {
  return { ...head, kind: 'setec', rules: readSetecRules(at.member('rules')) }
}

/** The rules of one document; they are the same for every subject that it applies to. */
export class SetecRules implements ForeignRules {
  readonly #source: SetecSource
  readonly #finder: RuleFinder
  readonly #answers = new Answers()

  constructor(source: SetecSource) {
    this.#source = source
    this.#finder = new RuleFinder(source.rules)
  }

  verdict(question: Question): Decision | undefined {
    return this.#answers.allow(this.#matching(question))
  }

  outlook({ action, resource }: Question): Outlook {
    const { mount, rules } = this.#source
    const [word] = SETEC_WORDS.get(action) ?? []
    // Below a secret there is nothing: it is one segment.
    if (word === undefined || !meets(mount, resource) || below(mount, resource)) return SILENT
    return outlook({ mayAllow: rules.some(({ actions }) => actions.has(word)) })
  }

  explain(question: Question): readonly ExplainedRule[] {
    return this.#matching(question).map(applying)
  }

  #matching({ action, resource }: Question): string[] {
    const { id, mount } = this.#source
    const [word] = SETEC_WORDS.get(action) ?? []
    const name = word === undefined ? undefined : nameOf(mount, resource)
    if (word === undefined || name === undefined) return []
    return this.#finder.find(word, name).map((index) => `${id}/${index}`)
  }
}

function nameOf(mount: string, resource: string): string | undefined {
  const segment = below(mount, resource)
  // The mount itself stands for the empty name, which setec has no secret of, but answers for (specs: §1.3).
  if (segment === '') return segment
  return segment === undefined || segment.includes('/') ? undefined : decodeName(segment)
}
