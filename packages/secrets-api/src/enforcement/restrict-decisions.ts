/** Two who decide, of whom the outside one can only restrict (DESIGN §7). */
import {
  askDecisions,
  type Decision,
  type DecisionPort,
  type DecisionQuestion,
  factsOf,
  type PermitDecision,
} from './decision.ts'
import { strictestOf } from './obligations.ts'

/**
 * Ask outside first, and inside about what is permitted there: both must permit, and what either obliges to is obliged
 * to. Where one of them gives no answer, there is none.
 *
 * A permit has the id and version of the outside decision, where it has any, else of the local one; a denial those of
 * who denied.
 */
export function restrictDecisions(outside: DecisionPort, local: DecisionPort): DecisionPort {
  return {
    async decide(questions, signal) {
      const first = await askDecisions(outside, questions, signal)
      const open = questions.filter((_, at) => first[at]?.effect === 'Permit')
      const second = await askDecisions(local, open, signal)
      const answers = new Map<DecisionQuestion, Decision>()
      open.forEach((question, at) => {
        const decision = second[at]
        if (decision !== undefined) answers.set(question, decision)
      })
      return first.map((decision, at): Decision => {
        if (decision.effect !== 'Permit') return decision
        const other = answers.get(questions[at] as DecisionQuestion)
        if (other === undefined) return { effect: 'Deny', reason: 'unavailable' }
        return other.effect === 'Permit' ? both(decision, other) : other
      })
    },
  }
}

function both(outside: PermitDecision, local: PermitDecision): Decision {
  const facts = { ...factsOf(local), ...factsOf(outside) }
  const obligations = strictestOf(outside.obligations, local.obligations)
  if (obligations === undefined) return { effect: 'Deny', reason: 'obligation', ...facts }
  return { effect: 'Permit', obligations, ...facts }
}
