/** Scope × purpose × endpoint (specs: secrets-api §2.4, §3.2, §3.3). */
import { type Purpose as PolicyPurpose, PURPOSE_ACTIONS } from '@secreg/policy-engine/authzen'
import {
  BULK_OPS,
  bulkOperation,
  type Permitted,
  PURPOSES,
  type Purpose,
  type Refused,
  SECRET_OPERATIONS,
  SECRET_SCOPES,
} from '@secreg/secrets-api/enforcement'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { ROW_LIST } from './operations.ts'
import { bench, DENY, PERMIT, Recorder } from './support.ts'

const code = (result: Permitted | Refused) =>
  result.kind === 'refused' ? result.code : 'permitted'

test('the rows are all operations', () => {
  expect(ROW_LIST.map(([operation]) => operation).sort()).toEqual(
    Object.keys(SECRET_OPERATIONS).sort(),
  )
  expect(new Set(ROW_LIST.flatMap(([, { endpoint }]) => endpoint.split(' ', 1)))).toHaveLength(17)
})

test('an operation without a rule does not compile', () => {
  const { write: _, ...rest } = SECRET_OPERATIONS
  // @ts-expect-error a gap
  const gap: typeof SECRET_OPERATIONS = rest
  expect(gap).not.toHaveProperty('write')
})

test('purposes are those that policy maps onto actions', () => {
  expect([...PURPOSES].sort()).toEqual(Object.keys(PURPOSE_ACTIONS).sort())
  expectTypeOf<Purpose>().toEqualTypeOf<PolicyPurpose>()
})

describe.each(ROW_LIST)('%s', (operation, { request, scopes, asked }) => {
  test('A10: with the scopes needed and no others', async () => {
    const { enforce } = bench()
    expect(code(await enforce(request, { scopes }))).toBe('permitted')
  })

  test.each(scopes)('A10: with all scopes but %s', async (missing) => {
    const { enforce, recorder } = bench()
    const others = SECRET_SCOPES.filter((scope) => scope !== missing)
    const result = await enforce(request, { scopes: others })
    expect(result).toMatchObject({
      status: 403,
      code: 'INSUFFICIENT_SCOPE',
      step: 'P2',
      challenge: `Bearer error="insufficient_scope", scope="${scopes.join(' ')}"`,
    })
    expect(recorder.calls).toEqual([])
  })

  test('A12: the purposes that are decided on', async () => {
    const { enforce, recorder } = bench()
    await enforce(request)
    expect(recorder.asked).toEqual(asked)
    expect(recorder.calls.length).toBe(asked.length === 0 ? 0 : 1)
  })

  test('every purpose by itself denies it, and no other', async () => {
    for (const denied of PURPOSES) {
      const policy = new Recorder(({ purpose }) => (purpose === denied ? DENY : PERMIT))
      const result = await bench({}, policy).enforce(request)
      const needed = asked.some(([purpose]) => purpose === denied)
      expect([denied, code(result)]).toEqual([denied, needed ? 'SECRET_AUTHZ_FAILED' : 'permitted'])
      if (result.kind === 'refused') expect(result.details).toMatchObject({ purpose: denied })
    }
  })

  test('an id that names the operation, and a grant for each purpose', async () => {
    const { enforce } = bench()
    const result = await enforce(request)
    expect(result).toMatchObject({ kind: 'permitted', operation, operationId: expect.any(String) })
    const { permits } = result as Permitted
    expect(permits.map(({ wanted }) => wanted.purpose)).toEqual(asked.map(([purpose]) => purpose))
    expect(permits.every(({ grant }) => grant.uses === 1)).toBe(true)
  })
})

test('A11: delete and destroy do not imply one another', async () => {
  const { enforce } = bench()
  const row = Object.fromEntries(ROW_LIST)
  for (const [operation, scope] of [
    ['destroy', 'secrets.delete'],
    ['delete', 'secrets.destroy'],
  ] as const) {
    const { request } = row[operation] as (typeof ROW_LIST)[number][1]
    expect(code(await enforce(request, { scopes: [scope] }))).toBe('INSUFFICIENT_SCOPE')
  }
})

test.each([
  ['set', false, 'write', 'secrets.write'],
  ['delete', false, 'delete', 'secrets.delete'],
  ['destroy', false, 'destroy', 'secrets.destroy'],
  ['destroy', true, 'destroy-versions', 'secrets.destroy'],
  ['undelete', true, 'undelete', 'secrets.delete'],
  ['undelete', false, 'undelete', 'secrets.delete'],
  ['rotate', false, 'rotate', 'secrets.rotate'],
] as const)('E14: %s, versions %s, is %s', (op, versions, operation, scope) => {
  expect(bulkOperation(op, versions)).toBe(operation)
  expect(SECRET_OPERATIONS[operation].scopes).toEqual([scope])
  expect(BULK_OPS).toContain(op)
})

test('a scope is the whole word', async () => {
  const { enforce } = bench()
  const [, { request }] = ROW_LIST.find(
    ([operation]) => operation === 'value',
  ) as (typeof ROW_LIST)[0]
  for (const scope of [
    'secrets',
    'secrets.*',
    '*',
    'secrets.read ',
    'SECRETS.READ',
    'secrets.read_metadata',
  ]) {
    expect(code(await enforce(request, { scopes: [scope] }))).toBe('INSUFFICIENT_SCOPE')
  }
})

test('the tables cannot be changed', () => {
  for (const rule of Object.values(SECRET_OPERATIONS)) expect(Object.isFrozen(rule)).toBe(true)
  expect(Object.isFrozen(SECRET_OPERATIONS)).toBe(true)
  expect(Object.isFrozen(PURPOSES)).toBe(true)
})
