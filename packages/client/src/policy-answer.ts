/** Shape of the answers about policies. */
import {
  anObject,
  array,
  boolean,
  count,
  literalTrue,
  optional,
  record,
  type Shape,
  text,
} from './shape.ts'

const texts = array(text)
/** Whatever a document holds. */
const anything: Shape = () => undefined

const policyInfo = anObject({
  policy: text,
  description: optional(text),
  source: text,
  rules: count,
  revision: count,
})

const unmet = anObject({
  clause: text,
  condition: text,
  wants: text,
  unknown: optional(literalTrue),
})

const ruleInfo = { rule: text, effect: text, applies: boolean, unmet: array(unmet) }

const decision = anObject({
  decision: text,
  reason: text,
  rules: array(anObject(ruleInfo)),
  as_expected: optional(boolean),
})

const outcome = anObject({ decision: text, rules: texts })

export const policyAnswer: Readonly<Record<string, Shape>> = {
  policies: optional(array(policyInfo)),
  next: optional(text),
  document: optional(record(anything)),
  revision: optional(count),
  decisions: optional(array(decision)),
  grants: optional(array(anObject({ principal: text, account: optional(text), rules: texts }))),
  abilities: optional(array(anObject({ ...ruleInfo, resources: texts, actions: texts }))),
  findings: optional(
    array(anObject({ code: text, severity: text, rule: text, by: optional(texts), message: text })),
  ),
  changes: optional(
    array(
      anObject({
        principals: texts,
        actions: texts,
        resource: text,
        patterns: texts,
        before: outcome,
        after: outcome,
      }),
    ),
  ),
  complete: optional(boolean),
}
