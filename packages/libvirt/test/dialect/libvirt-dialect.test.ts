import {
  isUsageType,
  LIBVIRT_DIALECT,
  type LibvirtWrite,
  secretPath,
  usageKey,
  usageOf,
  uuidOfPath,
} from '@secreg/libvirt/dialect'
import { type DialectEntry, encodeBase64, SecregError } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { uuidWith } from '../registry/site.ts'

const UUID = uuidWith('1')

const ABSENT: DialectEntry = {
  path: secretPath(UUID),
  exists: false,
  active: 0,
  latest: 0,
  next: 1,
  base: 0,
  isDeleted: false,
  isPrivate: false,
  isEphemeral: false,
  custom: {},
  isClaimed: () => false,
  stateOf: () => undefined,
  holds: () => false,
}
const CEPH: DialectEntry = {
  ...ABSENT,
  exists: true,
  custom: { usage_type: 'ceph', usage_id: 'client.x' },
}

function plan(operation: LibvirtWrite, entry: DialectEntry, request: unknown = {}) {
  return LIBVIRT_DIALECT.operations[operation].plan(entry, request).effects
}

function reasonOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (SecregError.is(error)) return error.reason
    throw error
  }
  throw new Error('it was not refused')
}

describe('define', () => {
  test('says everything of the secret, and takes away what is absent', () => {
    const none = { usage_type: null, usage_id: null }
    expect(plan('define', ABSENT)).toEqual([
      { do: 'define', ephemeral: false, private: false, description: null, custom: none },
    ])
    const request = {
      description: 'd',
      usage_type: 'tls',
      usage_id: 'x',
      ephemeral: true,
      private: true,
    }
    expect(plan('define', ABSENT, request)).toEqual([
      {
        do: 'define',
        ephemeral: true,
        private: true,
        description: 'd',
        custom: { usage_type: 'tls', usage_id: 'x' },
      },
    ])
  })

  test.each([
    ['another id', CEPH, { usage_type: 'ceph', usage_id: 'client.y' }, 'IN_USE'],
    ['a use taken away', CEPH, {}, 'IN_USE'],
    [
      'a use added',
      { ...ABSENT, exists: true },
      { usage_type: 'ceph', usage_id: 'client.x' },
      'IN_USE',
    ],
    [
      'private cleared',
      { ...ABSENT, exists: true, isPrivate: true },
      { private: false },
      'INVALID_ARGUMENT',
    ],
    ['a path that is no UUID', { ...ABSENT, path: '/libvirt/x' }, {}, 'INVALID_ARGUMENT'],
  ])('%s is refused', (_, entry, request, reason) => {
    expect(reasonOf(() => plan('define', entry, request))).toBe(reason)
  })

  test('another type with the same id, and private set, are taken', () => {
    const request = { usage_type: 'tls', usage_id: 'client.x', private: true }
    expect(plan('define', CEPH, request)).toMatchObject([{ do: 'define', private: true }])
  })

  test('what was deleted leaves nothing to the secret that is made in its place', () => {
    const deleted = { ...CEPH, isDeleted: true, isPrivate: true }
    expect(plan('define', deleted)).toMatchObject([{ do: 'purge' }, { do: 'define' }])
  })

  test.each([
    [null],
    [[]],
    ['x'],
    [{ other: 1 }],
    [{ description: 1 }],
    [{ description: 'a\u0000' }],
    [{ usage_type: 'floppy', usage_id: 'x' }],
    [{ usage_type: 'toString', usage_id: 'x' }],
    [{ usage_type: 'ceph' }],
    [{ usage_type: 'ceph', usage_id: '' }],
    [{ usage_type: 'ceph', usage_id: '\ud800' }],
    [{ usage_id: 'x' }],
    [{ private: 'yes' }],
    [{ ephemeral: 1 }],
  ])('the request %j is refused', (request) => {
    expect(reasonOf(() => plan('define', ABSENT, request))).toBe('INVALID_ARGUMENT')
  })

  test('what the registry cannot keep is refused', () => {
    const long = { usage_type: 'ceph', usage_id: 'x'.repeat(513) }
    expect(reasonOf(() => plan('define', ABSENT, long))).toBe('LIMIT_EXCEEDED')
    const wordy = { description: 'x'.repeat(1025) }
    expect(reasonOf(() => plan('define', ABSENT, wordy))).toBe('LIMIT_EXCEEDED')
  })
})

describe('set-value', () => {
  test('writes 1 to 65,536 bytes of an existing secret, also equal ones', () => {
    const value = (length: number) => ({ value: encodeBase64(new Uint8Array(length)) })
    const same = { ...CEPH, holds: () => true }
    expect(plan('set-value', same, value(1))).toMatchObject([{ do: 'put' }])
    expect(plan('set-value', CEPH, value(65_536))).toEqual([
      { do: 'put', value: { type: 'bytes', bytes: new Uint8Array(65_536) } },
    ])
    const refused = (entry: DialectEntry, request: unknown) =>
      reasonOf(() => plan('set-value', entry, request))
    expect(refused(CEPH, value(0))).toBe('INVALID_ARGUMENT')
    expect(refused(CEPH, value(65_537))).toBe('VALUE_TOO_LARGE')
    expect(refused(CEPH, {})).toBe('INVALID_ARGUMENT')
    expect(refused(CEPH, { value: '*' })).toBe('VALUE_INVALID')
    expect(refused(ABSENT, value(1))).toBe('NOT_FOUND')
    expect(refused({ ...CEPH, isDeleted: true }, value(1))).toBe('NOT_FOUND')
  })
})

test('undefine erases what is there', () => {
  expect(plan('undefine', CEPH)).toEqual([{ do: 'purge' }])
  expect(reasonOf(() => plan('undefine', ABSENT))).toBe('NOT_FOUND')
  expect(reasonOf(() => plan('undefine', { ...CEPH, isDeleted: true }))).toBe('NOT_FOUND')
  expect(reasonOf(() => plan('undefine', CEPH, { force: true }))).toBe('INVALID_ARGUMENT')
})

describe('the use of a secret', () => {
  test('is what both members say, else none', () => {
    const none = { type: 'none', id: '' }
    expect(usageOf({ usage_type: 'volume', usage_id: '/a' })).toEqual({ type: 'volume', id: '/a' })
    for (const custom of [
      {},
      { usage_type: 'volume' },
      { usage_id: '/a' },
      { usage_type: 'none', usage_id: '/a' },
      { usage_type: 'volume', usage_id: '' },
      { usage_type: 'floppy', usage_id: '/a' },
      { usage_type: 'volume', usage_id: '\u0001' },
    ]) {
      expect(usageOf(custom)).toEqual(none)
    }
    expect(isUsageType('constructor')).toBe(false)
  })

  test('is unique as the pair of type and id, of secrets that are there', () => {
    const { unique } = LIBVIRT_DIALECT
    const key = usageKey({ type: 'ceph', id: 'client.x' })
    expect(key).not.toBe(usageKey({ type: 'tls', id: 'client.x' }))
    expect(unique?.(CEPH)).toBe(key)
    expect(unique?.({ ...CEPH, isDeleted: true })).toBeUndefined()
    expect(unique?.({ ...CEPH, path: '/libvirt/x' })).toBeUndefined()
    expect(unique?.(ABSENT)).toBeUndefined()
  })
})

test('a path is a secret only as its canonical UUID', () => {
  expect(uuidOfPath(secretPath(UUID))).toBe(UUID)
  for (const path of ['/libvirt', '/libvirt/', `/libvirt/${UUID}/a`, `/setec/${UUID}`]) {
    expect(uuidOfPath(path)).toBeUndefined()
  }
  expect(uuidOfPath('/libvirt/AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA')).toBeUndefined()
  expect(() => secretPath('x')).toThrow(RangeError)
})
