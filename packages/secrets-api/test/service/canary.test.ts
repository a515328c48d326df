/** Whatever is sent and whatever fails, a value leaves in the answer that was asked for it alone. */
import { SECRETS_ROUTES } from '@secreg/protocol/messages'
import { ProviderError, parseSecretUri } from '@secreg/secrets-api'
import { type Decision, SECRET_SCOPES } from '@secreg/secrets-api/enforcement'
import type { SecretsRoute } from '@secreg/secrets-api/service'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DENY, PERMIT } from '../enforcement/support.ts'
import { serviceBench } from './support.ts'

/** No URI can have it. */
const CANARY = 'canary=7f3a&!'

/** Answers of these routes may have it, where they succeed. */
const ANSWERS: readonly SecretsRoute[] = ['read', 'value', 'owner', 'metadata']

const uri = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('app/test#value', 'app/api', 'app/api#token', 'app/lc') },
  { weight: 2, arbitrary: fc.constantFrom('app/none', 'app/lc#value?version=1', `app/${CANARY}`) },
)
const uriText = fc.oneof(
  { weight: 5, arbitrary: uri.map((tail) => `openbao+kv2://secret/${tail}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('yaml://secret/env#A', 'yaml://secret/env', 'yaml://secret'),
  },
  { weight: 1, arbitrary: fc.constantFrom('', CANARY, 'openbao+kv2://other/app') },
)
const value = fc.oneof(
  fc.constant(CANARY),
  fc.constant({ token: CANARY }),
  fc.constant({ [CANARY]: CANARY }),
  fc.constant([CANARY]),
  fc.constant(null),
)
const versions = fc.constantFrom([1], [2], [], [CANARY], CANARY)
const fields = fc.record(
  {
    uri: uriText,
    value,
    cas: fc.constantFrom(0, 1, CANARY),
    owner: fc.constantFrom(CANARY, `${CANARY}\n`, ''),
    versions,
    fromUri: uriText,
    toUri: uriText,
    overwrite: fc.constantFrom(true, false, CANARY),
    operations: fc.array(
      fc.record(
        {
          op: fc.constantFrom('set', 'delete', 'destroy', 'undelete', 'rotate', CANARY),
          uri: uriText,
          value,
          versions,
        },
        { requiredKeys: ['op', 'uri'] },
      ),
      { maxLength: 4 },
    ),
    [CANARY]: fc.constant(CANARY),
  },
  { requiredKeys: [] },
)

/** Members of each route, so that most requests get past their reading. */
const MEMBERS: Partial<Record<SecretsRoute, readonly string[]>> = {
  write: ['uri', 'value', 'cas'],
  rotate: ['uri', 'value'],
  owner: ['uri', 'owner'],
  undelete: ['uri', 'versions'],
  'destroy-versions': ['uri', 'versions'],
  bulk: ['operations'],
  copy: ['fromUri', 'toUri', 'overwrite'],
  move: ['fromUri', 'toUri', 'overwrite'],
}

const parameters = fc.record(
  {
    uri: uriText,
    version: fc.constantFrom('1', CANARY),
    destroy: fc.constantFrom('true', 'false', CANARY),
    prefix: fc.constantFrom('yaml://secret', 'openbao+kv2://secret/app', CANARY),
    q: fc.constantFrom('a', CANARY),
    subject: fc.constant(CANARY),
    since: fc.constant(CANARY),
  },
  { requiredKeys: [] },
)
const PARAMETERS: Partial<Record<SecretsRoute, readonly string[]>> = {
  read: ['uri'],
  value: ['uri', 'version'],
  delete: ['uri', 'destroy'],
  list: ['prefix'],
  keys: ['uri'],
  metadata: ['uri'],
  versions: ['uri'],
  search: ['q', 'prefix'],
  audit: ['subject', 'since'],
}

/** What goes wrong: with a provider, policy, the log, the scopes, or nothing. */
const wrong = fc.record({
  provider: fc.constantFrom(undefined, 'error', 'fault'),
  /** Its reads fail as well. */
  reading: fc.boolean(),
  decision: fc.constantFrom('permit', 'permit', 'permit', 'deny', 'fault'),
  log: fc.constantFrom('ready', 'ready', 'ready', 'ready', 'unready', 'unwritable'),
  scopes: fc.constantFrom(SECRET_SCOPES, SECRET_SCOPES, SECRET_SCOPES, []),
  strict: fc.constantFrom(true, true, true, false),
})

const pick = (all: object, names: readonly string[] | undefined, strict: boolean): object =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !strict || names?.includes(name)))

test('a property: values leave in no failure, event, canonical name or metric', async () => {
  const seen = new Map<number, number>()
  const request = fc.record({ route: fc.constantFrom(...SECRETS_ROUTES), fields, parameters })
  const property = fc.asyncProperty(
    fc.array(request, { minLength: 1, maxLength: 6 }),
    wrong,
    async (all, ill) => {
      const bench = await serviceBench()
      const { openbao, log, policy, faults } = bench
      for (const tail of ['app/test#value', 'app/api#token']) {
        const place = parseSecretUri(`openbao+kv2://secret/${tail}`)
        await openbao.write(place, new Map([[place.fragment ?? '', CANARY]]))
      }
      policy.answer((): Decision => {
        if (ill.decision === 'fault') throw new Error(CANARY)
        return ill.decision === 'deny' ? DENY : PERMIT
      })
      log.ready = ill.log !== 'unready'
      log.writable = ill.log !== 'unwritable'
      if (ill.provider !== undefined) {
        const fail = async (): Promise<never> => {
          const cause = new Error(CANARY)
          throw ill.provider === 'fault' ? cause : new ProviderError('PROVIDER_ERROR', { cause })
        }
        openbao.write = fail
        openbao.remove = fail
        if (ill.reading) openbao.read = fail
      }
      for (const { route, fields: members, parameters: query } of all) {
        const inBody = MEMBERS[route] !== undefined
        const sent = inBody
          ? { body: pick(members, MEMBERS[route], ill.strict) }
          : { query: pick(query, PARAMETERS[route], ill.strict) as Record<string, string> }
        const { status, headers, body } = await bench.ask(route, sent, { scopes: ill.scopes })
        seen.set(status, (seen.get(status) ?? 0) + 1)
        const told = JSON.stringify([headers, body])
        if (status !== 200 || !ANSWERS.includes(route)) expect(told).not.toContain(CANARY)
      }
      const kept = log.records.map(({ canonicals, events }) => [canonicals, events])
      expect(JSON.stringify([kept, [...bench.bench.counts.keys()]])).not.toContain(CANARY)
      // What whoever runs it is told is what was thrown, and nothing else.
      for (const fault of faults) expect(fault).toEqual(new Error(CANARY))
    },
  )
  await fc.assert(property, { numRuns: 200 })
  seen.clear()
  // Always the same ones, of which it is known that everything comes of them.
  await fc.assert(property, { numRuns: 300, seed: 2 })
  for (const status of [200, 207, 400, 403, 404, 500, 502, 503]) {
    expect([status, seen.get(status) ?? 0]).not.toEqual([status, 0])
  }
})
