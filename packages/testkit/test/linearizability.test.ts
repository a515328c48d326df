import {
  checkLinearizable,
  type Operation,
  type RegisterInput,
  type RegisterOperation,
  type RegisterOutput,
  type SequentialModel,
  VERSIONED_REGISTER,
} from '@secreg/testkit'
import { describe, expect, it, test } from 'vitest'
import { contendedHistory } from './histories.ts'

/** `client: from-to operation`; without an output, the outcome is unknown and `to` counts for nothing. */
function op(
  client: number,
  [calledAt, returnedAt]: readonly [number, number],
  input: RegisterInput,
  output?: RegisterOutput,
  key = '/k',
): RegisterOperation {
  const known = output !== undefined
  return { client, key, calledAt, returnedAt: known ? returnedAt : undefined, input, output }
}

const get: RegisterInput = { op: 'get' }
const del: RegisterInput = { op: 'delete' }
const set = (value: string, ifVersion?: number): RegisterInput =>
  ifVersion === undefined ? { op: 'set', value } : { op: 'set', value, ifVersion }
const found = (value: string, version: number): RegisterOutput => ({ value, version })
const made = (version: number): RegisterOutput => ({ version })

const verdictOf = (history: readonly RegisterOperation[]) =>
  checkLinearizable(history, VERSIONED_REGISTER)

describe('histories that have an order', () => {
  it.each<[string, RegisterOperation[]]>([
    ['none at all', []],
    ['one read of nothing', [op(1, [0, 1], get, 'absent')]],
    [
      'a read that overlaps a write and does not see it yet',
      [op(1, [0, 10], set('a'), made(1)), op(2, [5, 6], get, 'absent')],
    ],
    [
      'a read that overlaps a write and sees it already',
      [op(1, [0, 10], set('a'), made(1)), op(2, [5, 6], get, found('a', 1))],
    ],
    [
      'overlapping writes that answered in the other order',
      [op(1, [0, 9], set('a'), made(2)), op(2, [1, 5], set('b'), made(1))],
    ],
    [
      'a return and a call at the same time',
      [op(1, [0, 5], set('a'), made(1)), op(2, [5, 6], get, 'absent')],
    ],
    [
      'one winner of a check-and-set',
      [
        op(1, [0, 9], set('a', 0), made(1)),
        op(2, [0, 9], set('b', 0), 'conflict'),
        op(3, [0, 9], set('c', 0), 'conflict'),
      ],
    ],
    [
      'versions that go on after a deletion',
      [
        op(1, [0, 1], set('a', 0), made(1)),
        op(1, [2, 3], del, made(1)),
        op(1, [4, 5], get, 'absent'),
        op(1, [6, 7], del, 'absent'),
        op(1, [8, 9], set('b', 0), 'conflict'),
        op(1, [10, 11], set('b', 1), made(2)),
        op(1, [12, 13], get, found('b', 2)),
      ],
    ],
    [
      'a deletion that does not tell the version',
      [op(1, [0, 1], set('a'), made(1)), op(1, [2, 3], del, {}), op(1, [4, 5], get, 'absent')],
    ],
    [
      'an unknown write that took effect much later',
      [
        op(1, [0, 0], set('a')),
        op(2, [1, 2], get, 'absent'),
        op(2, [3, 4], set('b'), made(1)),
        op(2, [5, 6], get, found('a', 2)),
      ],
    ],
    [
      'an unknown write that never took effect',
      [op(1, [0, 0], set('a')), op(2, [1, 2], set('b', 0), made(1)), op(2, [3, 4], del, made(1))],
    ],
    [
      'an unknown deletion that did',
      [
        op(1, [0, 1], set('a'), made(1)),
        op(2, [2, 2], del),
        op(1, [3, 4], get, found('a', 1)),
        op(1, [5, 6], get, 'absent'),
      ],
    ],
    [
      'an unknown check-and-set that won',
      [
        op(1, [0, 0], set('a', 0)),
        op(2, [1, 2], set('b', 0), 'conflict'),
        op(2, [3, 4], get, found('a', 1)),
      ],
    ],
    ['only unknown ones', [op(1, [0, 0], set('a')), op(1, [1, 1], get), op(2, [1, 1], del)]],
    [
      'keys that know nothing of each other',
      [
        op(1, [0, 1], set('a'), made(1), '/a'),
        op(1, [2, 3], set('b'), made(1), '/b'),
        op(1, [4, 5], get, found('a', 1), '/a'),
      ],
    ],
  ])('%s', (_, history) => {
    expect(verdictOf(history)).toEqual({ ok: true })
    expect(verdictOf([...history].reverse())).toEqual({ ok: true })
  })
})

describe('histories that have none', () => {
  /** The last number is the operation whose answer nothing explains. */
  it.each<[string, RegisterOperation[], number]>([
    ['a stale read', [op(1, [0, 1], set('a'), made(1)), op(2, [2, 3], get, 'absent')], 1],
    [
      'two reads in the wrong order',
      [
        op(1, [0, 9], set('a'), made(1)),
        op(2, [1, 2], get, found('a', 1)),
        op(3, [3, 4], get, 'absent'),
      ],
      2,
    ],
    [
      'a lost update',
      [
        op(1, [0, 1], set('a'), made(1)),
        op(2, [2, 3], set('b'), made(2)),
        op(1, [4, 5], get, found('a', 1)),
      ],
      2,
    ],
    [
      'two writes that made the same version',
      [op(1, [0, 9], set('a'), made(1)), op(2, [0, 8], set('b'), made(1))],
      0,
    ],
    [
      'two winners of one check-and-set',
      [op(1, [0, 9], set('a', 0), made(1)), op(2, [0, 8], set('b', 0), made(1))],
      0,
    ],
    [
      'a read of what nobody wrote',
      [op(1, [0, 9], set('a'), made(1)), op(2, [1, 8], get, found('x', 1))],
      1,
    ],
    [
      'a read of what comes later',
      [op(2, [0, 1], get, found('a', 1)), op(1, [2, 3], set('a'), made(1))],
      0,
    ],
    [
      'a version with the value of another',
      [
        op(1, [0, 9], set('a'), made(1)),
        op(2, [0, 9], set('b'), made(2)),
        op(3, [10, 11], get, found('a', 2)),
      ],
      2,
    ],
    ['a conflict with nobody', [op(1, [0, 1], set('a', 0), 'conflict')], 0],
    [
      'a conflict that tells of a change before it can be read',
      [
        op(1, [0, 9], set('a', 0), made(1)),
        op(2, [1, 2], set('b', 0), 'conflict'),
        op(2, [3, 4], get, 'absent'),
      ],
      2,
    ],
    [
      'a count that starts again after a deletion',
      [
        op(1, [0, 1], set('a'), made(1)),
        op(1, [2, 3], del, made(1)),
        op(1, [4, 5], set('b'), made(1)),
      ],
      2,
    ],
    [
      'a read of what is deleted',
      [op(1, [0, 1], set('a'), made(1)), op(1, [2, 3], del, {}), op(1, [4, 5], get, found('a', 1))],
      2,
    ],
    [
      'two deletions of one version',
      [op(1, [0, 1], set('a'), made(1)), op(2, [2, 9], del, {}), op(3, [2, 8], del, {})],
      1,
    ],
    [
      'an unknown write that takes effect before its call',
      [op(2, [0, 1], get, found('a', 1)), op(1, [2, 2], set('a'))],
      0,
    ],
    [
      'an unknown write that takes effect and is undone',
      [op(1, [0, 0], set('a')), op(2, [1, 2], get, found('a', 1)), op(2, [3, 4], get, 'absent')],
      2,
    ],
    [
      'an unknown write that takes effect twice',
      [
        op(1, [0, 0], set('a')),
        op(2, [1, 2], get, found('a', 1)),
        op(2, [3, 4], del, made(1)),
        op(2, [5, 6], get, found('a', 2)),
      ],
      3,
    ],
    [
      'an unknown check-and-set on a version that was over before',
      [
        op(2, [0, 1], set('b'), made(1)),
        op(1, [2, 2], set('a', 0)),
        op(2, [3, 4], get, found('a', 2)),
      ],
      2,
    ],
    [
      'a write that was acknowledged before a crash and is gone after it',
      [op(1, [0, 1], set('a'), made(1)), op(2, [0, 0], set('b')), op(3, [5, 6], get, 'absent')],
      2,
    ],
  ])('%s', (_, history, fault) => {
    for (const shuffled of [history, [...history].reverse()]) {
      const verdict = verdictOf(shuffled)
      expect(verdict).toMatchObject({ ok: false, key: '/k' })
      expect(!verdict.ok && verdict.operation).toBe(history[fault])
    }
  })
})

test('the explanation shows the fault, its neighbours and the states, and nothing of other keys', () => {
  const history = [
    ...Array.from({ length: 20 }, (_, i) => op(1, [10 * i, 10 * i + 5], set(`v${i}`), made(i + 1))),
    op(2, [198, 206], set('late', 20), made(21)),
    op(4, [200, 207], set('unknown')),
    op(3, [203, 205], get, found('v18', 19)),
    op(9, [203, 205], get, found('x', 1), '/other'),
    op(9, [0, 1], set('x'), made(1), '/other'),
  ]
  const verdict = verdictOf(history)
  if (verdict.ok) throw new Error('found right')
  expect(verdict.operation).toBe(history[22])
  expect(verdict.before.length).toBeLessThanOrEqual(8)
  expect(verdict.overlapping).toEqual([history[20], history[21]])
  expect(verdict.states).toContainEqual({ latest: 20, value: 'v19' })
  expect(verdict.message).toContain(
    'client 3  203.000 to 205.000  {"op":"get"} -> {"value":"v18","version":19}',
  )
  expect(verdict.message).toContain('20 "v19"')
  expect(verdict.message).toContain('to unknown  {"op":"set","value":"unknown"} -> ?')
  expect(verdict.message).not.toMatch(/client 9|"v2"/)
})

test('times that are not numbers or run backwards are refused', () => {
  for (const times of [
    [1, 0],
    [Number.NaN, 1],
    [0, Number.NaN],
  ] as const) {
    expect(() => verdictOf([op(1, times, get, 'absent')])).toThrow(RangeError)
  }
})

describe('10,000 operations by 16 clients', () => {
  it.each([1, 8])('are decided in time (keys: %i)', (keys) => {
    const history = contendedHistory({ seed: 7, clients: 16, operations: 10_000, keys })
    expect(verdictOf(history)).toEqual({ ok: true })
    // One read near the end tells what was true a moment ago.
    const at = history.findLastIndex(
      ({ input, output }) => input.op === 'get' && typeof output === 'object',
    )
    const read = history[at] as RegisterOperation
    const { version = 0 } = read.output as { version?: number }
    const wrong = history.with(at, { ...read, output: { version: version - 20 } })
    const verdict = verdictOf(wrong)
    expect(!verdict.ok && verdict.operation).toBe(wrong[at])
  })

  it('are decided when 12 of one key are of unknown outcome', () => {
    const history = contendedHistory({
      seed: 8,
      clients: 16,
      operations: 10_000,
      keys: 1,
      unknown: 12,
    })
    expect(history.filter(({ returnedAt }) => returnedAt === undefined)).toHaveLength(12)
    expect(verdictOf(history)).toEqual({ ok: true })
  })
})

describe('a model without reads and versions', () => {
  type Cell = { readonly write: number } | 'read'
  const CELL: SequentialModel<number, Cell, number> = {
    init: () => 0,
    step: (state, input, output) => {
      if (input !== 'read') return input.write
      return output === undefined || output === state ? state : undefined
    },
    identify: String,
  }
  /** Everybody writes at once, and then somebody reads. */
  function burst(writers: number, read: number): Operation<Cell, number>[] {
    return [
      ...Array.from({ length: writers }, (_, i) => ({
        client: i,
        key: 'cell',
        calledAt: i,
        returnedAt: 100,
        input: { write: i + 1 },
        output: 0,
      })),
      { client: 99, key: 'cell', calledAt: 101, returnedAt: 102, input: 'read', output: read },
    ]
  }

  it('remembers what it tried: 14 writes have 87,178,291,200 orders', () => {
    for (let read = 1; read <= 14; read++) {
      expect(checkLinearizable(burst(14, read), CELL)).toEqual({ ok: true })
    }
    const verdict = checkLinearizable(burst(14, 15), CELL)
    expect(!verdict.ok && verdict.operation.input).toBe('read')
    expect(!verdict.ok && verdict.states).toHaveLength(8)
  })

  it('says so when there is no verdict within its memory', () => {
    expect(() => checkLinearizable(burst(14, 15), CELL, { maxConfigurations: 1000 })).toThrow(
      'no verdict on key "cell" within 1000 configurations',
    )
  })
})
