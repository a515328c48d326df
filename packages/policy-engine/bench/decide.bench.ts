/**
 * Decisions per second by number of rules. Every workload is first shown equal to the plain reading of `test/naive.ts`.
 * Run with `npx vitest bench --run --root . --config ../../vitest.config.ts`.
 */

import { type CompiledPolicy, type Context, compile } from '@secreg/policy-engine'
import { bench, describe } from 'vitest'
import { naiveDecide } from '../test/naive.ts'
import { WORKLOADS, type Workload } from './policies.ts'

const COUNTS = [10, 1_000, 10_000, 100_000]
const TIME = Date.UTC(2026, 5, 1, 12)
const CONTEXT: Context = { ip: '10.1.2.3', mfa: true, door: 'http', proof: 'credential' }
/** Requests compared with the plain reading, which looks at every rule for each. */
const COMPARED_RULES = 500_000

function assertEqual(
  policy: CompiledPolicy,
  { documents, principals, paths, actions }: Workload,
): void {
  const rules = documents[0]?.rules.length ?? 1
  const subject = policy.subject(principals)
  // The plain reader knows fixed-offset zones only; noon UTC lies within the window in both.
  const plain = JSON.parse(JSON.stringify(documents).replaceAll('Europe/Prague', 'Etc/UTC'))
  for (let index = 0; index < Math.max(20, COMPARED_RULES / rules); index++) {
    const resource = paths[index] ?? '/'
    const action = actions[index % actions.length] ?? 'read'
    const request = { action, resource, time: TIME, context: CONTEXT }
    const ours = JSON.stringify(policy.decide({ subject, ...request }))
    const theirs = JSON.stringify(naiveDecide(plain, { principals, ...request }))
    if (ours !== theirs) throw new Error(`${resource}: ${ours} is not ${theirs}`)
  }
}

for (const [name, make] of Object.entries(WORKLOADS)) {
  describe(name, () => {
    for (const count of COUNTS) {
      const work = make(count)
      const policy = compile(work.documents)
      assertEqual(policy, work)
      const subject = policy.subject(work.principals)
      const { paths, actions } = work
      let at = 0
      // States are made when first needed; how long that takes is the benchmark of first decisions.
      for (const [index, resource] of paths.entries()) {
        policy.decide({ subject, action: actions[index & 3] ?? 'read', resource })
      }
      bench(`${count} rules`, () => {
        at = (at + 1) % paths.length
        policy.decide({
          subject,
          action: actions[at & 3] ?? 'read',
          resource: paths[at] ?? '/',
          time: TIME,
          context: CONTEXT,
        })
      })
    }
  })
}

describe('first decisions: compile and one pass over 1000 paths', () => {
  for (const count of COUNTS) {
    const { documents, principals, paths, actions } =
      WORKLOADS['subtrees of services']?.(count) ?? failed()
    bench(
      `${count} rules`,
      () => {
        const policy = compile(documents)
        const subject = policy.subject(principals)
        for (let index = 0; index < 1000; index++) {
          const action = actions[index & 3] ?? 'read'
          policy.decide({ subject, action, resource: paths[index] ?? '/' })
        }
      },
      { iterations: 3, warmupIterations: 1 },
    )
  }
})

describe('compile', () => {
  for (const count of COUNTS) {
    const { documents } = WORKLOADS['conditions on half']?.(count) ?? failed()
    bench(`${count} rules`, () => {
      compile(documents)
    })
  }
})

function failed(): never {
  throw new Error('no such workload')
}
