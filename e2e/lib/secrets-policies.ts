/** Policies of the registry about secrets elsewhere, as the cases of environment B have them. */
import type { TestIssuer } from './secrets-issuer.ts'
import type { Wire } from './wire.ts'

/** Everything that the cases are about. */
export const EVERYTHING: readonly string[] = [
  'openbao+kv2://secret/**',
  'hashicorp+kv2://secret/**',
  'yaml://secret/**',
]

const READING = ['read', 'decrypt']
const WRITING = ['create', 'update']
/** What every purpose needs together. */
export const ALL_ACTIONS: readonly string[] = [
  ...READING,
  ...WRITING,
  'delete',
  'undelete',
  'destroy',
  'read-metadata',
  'write-metadata',
  'grant',
]

interface RuleParts {
  readonly effect?: 'allow' | 'deny'
  readonly when?: object
}

function rule(
  id: string,
  principal: string,
  actions: readonly string[],
  resources: readonly string[],
  { effect = 'allow', ...more }: RuleParts = {},
): object {
  return { id, effect, principals: [principal], actions, resources, ...more }
}

export async function setRules(admin: Wire, id: string, rules: readonly object[]): Promise<void> {
  await admin.ok('policy', { op: 'set', document: { id, rules } })
}

/**
 * Alice may use what is below `app`; Bob everything, and read what has happened, but not rotate what begins with
 * `app/api`; Carol read, write and use; Olga use what is hers; Sam see one of the names below `names`.
 */
export async function setCasePolicies(admin: Wire, issuer: TestIssuer): Promise<void> {
  const who = (sub: string): string => issuer.principal(sub)
  const used = { when: { purpose: ['execute'] } }
  await setRules(admin, 'cases', [
    rule('alice', who('alice'), READING, ['openbao+kv2://secret/app/*'], used),
    rule('bob', who('bob'), ALL_ACTIONS, EVERYTHING),
    rule('bob-tenant', who('bob'), ['read-metadata'], ['/']),
    rule('bob-rotates-not', who('bob'), WRITING, ['openbao+kv2://secret/app/api*'], {
      effect: 'deny',
      when: { purpose: ['rotate'] },
    }),
    rule('carol', who('carol'), [...READING, ...WRITING], EVERYTHING, {
      when: { purpose: ['read', 'write', 'execute'] },
    }),
    rule('olga', who('olga'), READING, EVERYTHING, {
      when: { metadata: { owner: issuer.subject('olga') } },
    }),
    rule('sam', who('sam'), ['read-metadata'], ['openbao+kv2://secret/names/two']),
    rule('dora-reads', who('dora'), READING, EVERYTHING),
  ])
}

/** Whoever has shown a credential may do everything, as far as the registry is asked. */
export async function permitEverything(admin: Wire): Promise<void> {
  await setRules(admin, 'everything', [
    rule('everything', '*', ALL_ACTIONS, EVERYTHING),
    rule('tenant', '*', ['read-metadata'], ['/']),
  ])
}
