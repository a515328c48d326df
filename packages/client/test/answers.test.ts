import type { ResponseOf } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { REQUEST_TABLE } from '../src/requests.ts'
import { IDENTITY_ANSWERS } from './identity-answers.ts'

const found: ResponseOf['get'] = {
  value: null,
  unchanged: true,
  type: 'string',
  encrypted: true,
  version: 3,
  modify_revision: 9,
  expires_at: 5,
}

/** An answer with every member that there can be. */
const ANSWERS = {
  ...IDENTITY_ANSWERS,
  get: found,
  txn: {
    succeeded: true,
    revision: 7,
    results: [
      { op: 'get', found },
      { op: 'get', found: null },
      { op: 'set', version: 4 },
      { op: 'delete', deleted: 0 },
    ],
  },
  history: {
    key: '/a',
    active: 0,
    latest: 3,
    deleted_at: 1,
    deleted_by: 'root',
    versions: [
      {
        version: 3,
        state: 'expired',
        type: 'json',
        encrypted: false,
        created_at: 1,
        created_by: 'root',
        deleted_at: 2,
        expires_at: 3,
      },
    ],
    polled: [{ by: 'web', at: 4 }],
    next: 3,
  },
  versions: { success: true, revision: 7, version: 3, count: 1, erased: false },
  meta: {
    key: '/a',
    type: 'bytes',
    encrypted: true,
    private: false,
    ephemeral: true,
    active: 1,
    latest: 1,
    created_at: 1,
    created_by: 'root',
    modified_at: 2,
    modified_by: 'root',
    modify_revision: 3,
    description: 'what it is',
    tags: ['t'],
    custom: { owner: 'alice' },
    granted: ['owner'],
    max_versions: 10,
    cas_required: true,
    delete_after_s: 60,
    expires_at: 4,
    deleted_at: 5,
    dialect: 'registry',
  },
  search: {
    entries: [
      {
        key: '/a',
        type: 'string',
        encrypted: false,
        version: 1,
        modified_at: 2,
        modified_by: 'root',
        description: 'what it is',
        tags: ['t'],
      },
    ],
    next: '/a',
  },
  transfer: { success: true, count: 2, revision: 8 },
  watch: { watch_id: 1, revision: 8, generation: 'g' },
  unwatch: { success: true },
  mount: {
    mounts: [
      {
        path: '/kv',
        dialect: 'kv2',
        available: false,
        max_versions: 10,
        cas_required: false,
        delete_after_s: 60,
        encrypt: true,
      },
    ],
  },
} satisfies { readonly [N in keyof ResponseOf]?: ResponseOf[N] }

type Name = keyof typeof ANSWERS
type Place = readonly (string | number)[]

/** Every member, at whatever depth. */
function placesOf(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return at.length === 0 ? [] : [at]
  const below = Object.entries(value).flatMap(([name, member]) =>
    placesOf(member, [...at, Array.isArray(value) ? Number(name) : name]),
  )
  return at.length === 0 ? below : [at, ...below]
}

/** A copy in which one member is another. */
function changed(value: unknown, [name, ...rest]: Place, to: unknown): unknown {
  if (name === undefined) return to
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) }
  const members = copy as Record<string | number, unknown>
  members[name] = changed(members[name], rest, to)
  return copy
}

const faultOf = (name: Name, answer: unknown): string | undefined =>
  REQUEST_TABLE[name].answer(answer, 'payload')

describe.each(Object.keys(ANSWERS) as Name[])('the answer to %s', (name) => {
  const answer: unknown = ANSWERS[name]

  test('is accepted, also with members that are not known', () => {
    expect(faultOf(name, answer)).toBeUndefined()
    expect(faultOf(name, { ...(answer as object), later: [1] })).toBeUndefined()
  })

  test.each(placesOf(answer).map((place) => [place.join('.'), place] as const))(
    'is refused with another %s',
    (_, place) => {
      // Of no member, right type: symbols stand for whatever JSON can hold.
      expect(faultOf(name, changed(answer, place, Symbol('wrong')))).toBeTypeOf('string')
      expect(faultOf(name, changed(answer, place, [[]]))).toBeTypeOf('string')
    },
  )

  test.each([null, [], 'x', 1, true])('is not %j', (other) => {
    expect(faultOf(name, other)).toBe('payload')
  })
})

test.each([
  ['an unknown operation', { op: 'purge', version: 1 }],
  ['an operation of the prototype', { op: 'constructor' }],
  ['no operation', { version: 1 }],
])('a transaction with %s is refused', (_, result) => {
  expect(faultOf('txn', { succeeded: true, revision: 1, results: [result] })).toBe('op')
})

test.each([-1, 1.5, 2 ** 53, Number.NaN, '1'])('a revision %j is refused', (revision) => {
  expect(faultOf('transfer', { success: true, count: 1, revision })).toBe('revision')
})

test('a name of custom metadata is not quoted', () => {
  expect(faultOf('meta', { ...ANSWERS.meta, custom: { secret: 1 } })).toBe('custom')
})
