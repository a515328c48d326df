/**
 * Questions about whole policies, of one rule for each of many accounts and some for everybody. Run with
 * `npx vitest bench --run --root . --config ../../vitest.config.ts bench/insight`.
 */

import { compile, diff, lint, type PolicyDocument, type PolicyRule } from '@secreg/policy-engine'
import { bench, describe } from 'vitest'

function documentsOf(count: number, change: Partial<PolicyRule> = {}): PolicyDocument[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `account-${index}`,
    rules: [
      {
        id: 'own',
        effect: index % 10 === 9 ? 'deny' : 'allow',
        principals: index % 4 === 0 ? ['role:user'] : [`account:${index}`],
        actions: ['read', 'list'],
        resources: [`/users/${index}/**`, `/teams/*-${index}/*`],
        ...(index === 8 ? change : {}),
      },
    ],
  }))
}

for (const count of [1_000, 10_000]) {
  describe(`${count} rules`, () => {
    const documents = documentsOf(count)
    const changed = documentsOf(count, { resources: ['/users/8/**', '/teams/*-8/k*'] })
    const policy = compile(documents)
    const subject = policy.subject(['role:user', 'account:1'])
    const resource = '/users/8/key'
    if (!policy.covers(subject, 'read', '/users/8/a/**')) throw new Error('not covered')
    if (policy.whoCan({ action: 'read', resource }).length !== 1) throw new Error('not one')
    if (diff(documents, changed).changes.length !== 1) throw new Error('not one change')

    bench('covers', () => {
      policy.covers(subject, 'read', '/users/8/a/**')
    })
    bench('covers, a pattern that meets many', () => {
      policy.covers(subject, 'read', '/*/*/**')
    })
    bench('whoCan', () => {
      policy.whoCan({ action: 'read', resource })
    })
    bench('whatCan', () => {
      policy.whatCan(subject)
    })
    bench(
      'lint',
      () => {
        lint(documents)
      },
      { iterations: 3, warmupIterations: 1 },
    )
    bench(
      'diff, one rule changed',
      () => {
        diff(documents, changed)
      },
      { iterations: 3, warmupIterations: 1 },
    )
  })
}
