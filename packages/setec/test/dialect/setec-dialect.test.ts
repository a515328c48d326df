import type { DialectEntry, VersionState } from '@secreg/protocol'
import { SETEC_DIALECT, type SetecWrite } from '@secreg/setec/dialect'
import { describe, expect, test } from 'vitest'

const MAX = 4_294_967_295
const VALUE = 'aGk='

interface Shape extends Partial<DialectEntry> {
  readonly states?: Readonly<Record<number, VersionState>>
  /** Version that holds {@link VALUE}. */
  readonly held?: number
}

/** A secret with versions 1 (active) and 3; 2 was destroyed, 4 deleted, 5 has expired. */
const USUAL: Shape = {
  exists: true,
  active: 1,
  latest: 5,
  next: 6,
  states: { 1: 'kept', 2: 'destroyed', 3: 'kept', 4: 'deleted', 5: 'expired' },
}

function entry({ states = {}, held, ...shape }: Shape = {}): DialectEntry {
  const latest = shape.latest ?? 0
  return {
    path: '/setec/a',
    exists: false,
    active: 0,
    latest,
    next: latest + 1,
    base: 0,
    isDeleted: false,
    isPrivate: false,
    isEphemeral: false,
    custom: {},
    isClaimed: (version) => version <= latest,
    stateOf: (version) => states[version],
    holds: (version, bytes) => version === held && Buffer.from(bytes).toString('base64') === VALUE,
    ...shape,
  }
}

const plan = (operation: SetecWrite, shape: Shape, request: unknown) =>
  SETEC_DIALECT.operations[operation].plan(entry(shape), request)

const REQUESTS: Readonly<Record<SetecWrite, object>> = {
  put: { value: VALUE },
  'create-version': { version: 9, value: VALUE },
  activate: { version: 3 },
  'delete-version': { version: 3 },
  delete: {},
}
const WRITES = Object.keys(REQUESTS) as SetecWrite[]

test('what the registry is told about the protocol', () => {
  expect(SETEC_DIALECT).toMatchObject({
    name: 'setec',
    encrypted: true,
    maxVersions: 10_000,
    maxVersion: MAX,
    activatesNew: false,
  })
  const rights = WRITES.map((name) => SETEC_DIALECT.operations[name].action)
  expect(rights.slice(1)).toEqual(['create-version', 'activate', 'destroy', 'purge'])
  const { action } = SETEC_DIALECT.operations.put
  expect([true, false].map(action as (isLive: boolean) => string)).toEqual(['update', 'create'])
})

describe('put', () => {
  const put = (shape: Shape, value = VALUE) => plan('put', shape, { value })
  const bytes = new Uint8Array(Buffer.from(VALUE, 'base64'))
  const written = (activate: boolean) => [{ do: 'put', value: { type: 'bytes', bytes }, activate }]

  test('the first version is active, a later one is not', () => {
    expect(put({})).toEqual({ effects: written(true), result: 1 })
    expect(put(USUAL)).toEqual({ effects: written(false), result: 6 })
  })

  test('what the latest version holds is not put again; what any other holds is', () => {
    const shape = { ...USUAL, latest: 3, next: 4 }
    expect(put({ ...shape, held: 3 })).toEqual({ effects: [], result: 3 })
    expect(put({ ...shape, held: 1 })).toEqual({ effects: written(false), result: 4 })
  })

  test('numbers go on where the registry says: after a restore, far above the latest', () => {
    expect(put({ ...USUAL, next: 1006 })).toMatchObject({ result: 1006 })
  })

  test('a secret that was purged goes on with its numbers, and its first version is active', () => {
    expect(put({ latest: 7, base: 7 })).toEqual({ effects: written(true), result: 8 })
  })

  test('of what cannot be read, a new version is active, whatever it held', () => {
    const shape = { ...USUAL, latest: 3, next: 4, held: 3 }
    for (const hidden of [
      { ...shape, isDeleted: true },
      { ...shape, active: 0 },
      { ...shape, states: { 1: 'expired', 3: 'kept' } as const },
      { ...shape, states: { 1: 'deleted', 3: 'kept' } as const },
      { ...shape, states: { 1: 'destroyed', 3: 'kept' } as const },
    ]) {
      expect(put(hidden)).toEqual({ effects: written(true), result: 4 })
    }
  })

  test('there is no number after the highest', () => {
    expect(put({ ...USUAL, latest: MAX, next: MAX, held: 1 })).toMatchObject({ result: MAX })
    expect(() => put({ ...USUAL, latest: MAX, next: MAX + 1 })).toThrow(
      expect.objectContaining({ reason: 'VERSIONS_EXHAUSTED' }),
    )
    expect(put({ ...USUAL, latest: MAX, next: MAX + 1, held: MAX })).toMatchObject({ result: MAX })
  })
})

describe('create-version', () => {
  const create = (shape: Shape, version: number) =>
    plan('create-version', shape, { version, value: VALUE })

  test('any number that nobody has used, active at once', () => {
    const isClaimed = (version: number) => version !== 2
    for (const shape of [{}, { ...USUAL, isClaimed }, { ...USUAL, isClaimed, isDeleted: true }]) {
      expect(create(shape, 2)).toMatchObject({
        effects: [{ do: 'put', version: 2, activate: true, value: { type: 'bytes' } }],
        result: {},
      })
    }
    expect(create({}, MAX)).toMatchObject({ effects: [{ version: MAX }] })
  })

  test('a number that was ever used is refused, also one of an earlier life', () => {
    for (const shape of [USUAL, { latest: 5, base: 5 }]) {
      expect(() => create(shape, 5)).toThrow(expect.objectContaining({ reason: 'ALREADY_EXISTS' }))
    }
  })
})

describe('activate and delete-version', () => {
  test('what is kept is activated; the active one already is', () => {
    expect(plan('activate', USUAL, { version: 3 })).toEqual({
      effects: [{ do: 'activate', version: 3 }],
      result: {},
    })
    expect(plan('activate', USUAL, { version: 1 })).toEqual({ effects: [], result: {} })
  })

  test('what is kept is destroyed, but never the active one', () => {
    expect(plan('delete-version', USUAL, { version: 3 })).toEqual({
      effects: [{ do: 'destroy', version: 3 }],
      result: {},
    })
    expect(() => plan('delete-version', USUAL, { version: 1 })).toThrow(
      expect.objectContaining({ reason: 'VERSION_ACTIVE' }),
    )
  })

  test.each(['activate', 'delete-version'] as const)('%s of what is not there', (operation) => {
    for (const version of [2, 4, 5, 6, MAX]) {
      expect(() => plan(operation, USUAL, { version })).toThrow(
        expect.objectContaining({ reason: 'VERSION_NOT_FOUND' }),
      )
    }
    for (const shape of [{}, { ...USUAL, isDeleted: true }]) {
      expect(() => plan(operation, shape, { version: 3 })).toThrow(
        expect.objectContaining({ reason: 'NOT_FOUND' }),
      )
    }
    const expired = { ...USUAL, states: { 1: 'expired', 3: 'kept' } as const }
    expect(() => plan(operation, expired, { version: 1 })).toThrow(
      expect.objectContaining({ reason: 'VERSION_NOT_FOUND' }),
    )
  })

  test('where the active version has expired, another one can be activated', () => {
    const shape = { ...USUAL, states: { 1: 'expired', 3: 'kept' } as const }
    expect(plan('activate', shape, { version: 3 }).effects).toHaveLength(1)
  })
})

test('delete erases all that there is, also what the door of the registry has deleted', () => {
  for (const shape of [USUAL, { ...USUAL, isDeleted: true }, { exists: true }]) {
    expect(plan('delete', shape, {})).toEqual({ effects: [{ do: 'purge' }], result: {} })
  }
  expect(plan('delete', { latest: 3 }, {})).toEqual({ effects: [], result: {} })
})

describe('names and paths', () => {
  const refused = (operation: SetecWrite, path: string) =>
    expect(() => plan(operation, { ...USUAL, path }, REQUESTS[operation]))

  test.each(WRITES)('%s: a reserved name, and what is the path of no name', (operation) => {
    for (const path of ['/setec/_internal%2Fx', '/setec/_internal%2F', '/setec/a/b', '/app/a']) {
      refused(operation, path).toThrow(expect.objectContaining({ reason: 'INVALID_ARGUMENT' }))
    }
    const ordinary = plan(operation, { ...USUAL, path: '/setec/_internal' }, REQUESTS[operation])
    expect(ordinary.effects).toHaveLength(1)
  })

  test('the mount itself is no secret, whatever there is', () => {
    for (const [operation, reason] of [
      ['put', 'INVALID_ARGUMENT'],
      ['create-version', 'INVALID_ARGUMENT'],
      ['activate', 'NOT_FOUND'],
      ['delete-version', 'NOT_FOUND'],
    ] as const) {
      refused(operation, '/setec').toThrow(expect.objectContaining({ reason }))
    }
    expect(plan('delete', { ...USUAL, path: '/setec' }, {})).toEqual({ effects: [], result: {} })
  })
})

describe('requests come from anybody', () => {
  const WRONG: readonly unknown[] = [
    undefined,
    null,
    7,
    'text',
    [],
    [VALUE],
    () => VALUE,
    { value: 7, version: 3 },
    { value: VALUE, version: '3' },
    { value: VALUE, version: 3, more: 1 },
    { Value: VALUE, Version: 3 },
    { value: null, version: 3 },
  ]
  const NO_VERSION = [0, -1, 1.5, MAX + 1, Number.NaN, Number.POSITIVE_INFINITY, true, null, '1']

  test.each(WRITES)('%s', (operation) => {
    for (const request of WRONG) {
      expect(() => plan(operation, USUAL, request)).toThrow(
        expect.objectContaining({ reason: 'INVALID_ARGUMENT' }),
      )
    }
    if (!('version' in REQUESTS[operation])) return
    for (const version of NO_VERSION) {
      expect(() => plan(operation, USUAL, { ...REQUESTS[operation], version })).toThrow(
        expect.objectContaining({ reason: 'INVALID_ARGUMENT' }),
      )
    }
  })

  test.each(['put', 'create-version'] as const)(
    '%s: the value is canonical base64',
    (operation) => {
      const run = (value: string) => plan(operation, USUAL, { ...REQUESTS[operation], value })
      for (const value of ['aGk', 'aGl=', '-_8=', 'aG k=', 'aGk=\n', '=']) {
        expect(() => run(value)).toThrow(expect.objectContaining({ reason: 'VALUE_INVALID' }))
      }
      expect(() => run(Buffer.alloc(1_048_577).toString('base64'))).toThrow(
        expect.objectContaining({ reason: 'VALUE_TOO_LARGE' }),
      )
    },
  )

  test('no refusal tells a value', () => {
    for (const request of [{ value: 'hunter2' }, { value: 'aGk=', hunter2: 1 }, 'hunter2']) {
      expect(() => plan('put', USUAL, request)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      )
    }
  })
})
