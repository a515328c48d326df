/**
 * What it costs to change one document of many, beside compiling all of them. The changed policy is first shown equal
 * to the compiled one. Run with `npx vitest bench --run --root . --config ../../vitest.config.ts bench/replace`.
 */

import { compile, type PolicyDocument } from '@secreg/policy-engine'
import { bench, describe } from 'vitest'

const documentOf = (index: number, principal: string): PolicyDocument => ({
  id: `account-${index}`,
  rules: [
    {
      id: 'own',
      effect: 'allow',
      principals: [principal],
      actions: ['read', 'list', 'create', 'update'],
      resources: [`/users/${index}/**`],
    },
  ],
})

const PRINCIPALS: Readonly<Record<string, (index: number) => string>> = {
  'a principal of its own': (index) => `account:${index}`,
  'one principal for all': () => 'role:user',
}

for (const [name, principalOf] of Object.entries(PRINCIPALS)) {
  for (const count of [100, 1_000, 10_000, 100_000]) {
    describe(`${count} documents of one rule, ${name}`, () => {
      const documents = Array.from({ length: count }, (_, at) => documentOf(at, principalOf(at)))
      const policy = compile(documents)
      const added = documentOf(count, principalOf(count))
      const whole = compile([...documents, added])
      const request = {
        subject: [principalOf(count)],
        action: 'read' as const,
        resource: `/users/${count}/key`,
      }
      const changed = JSON.stringify(policy.replace({ set: [added] }).decide(request))
      if (changed !== JSON.stringify(whole.decide(request))) throw new Error(changed)

      bench('add one', () => {
        policy.replace({ set: [added] })
      })
      bench('change one, and decide', () => {
        policy.replace({ set: [documentOf(7, 'user:other')] }).decide(request)
      })
      bench('remove one', () => {
        policy.replace({ remove: ['account-7'] })
      })
      bench(
        'compile all',
        () => {
          compile(documents)
        },
        { iterations: 3, warmupIterations: 1 },
      )
    })
  }
}
