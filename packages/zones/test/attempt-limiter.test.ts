import {
  AttemptLimiter,
  type AttemptSource,
  DEFAULT_ATTEMPT_LIMITS,
  lockedOutError,
  sourceOfAddress,
  sourceOfUid,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { FailureTable } from '../src/failure-table.ts'
import { Clock, codeOf } from './support.ts'

const uid = sourceOfUid(1000)
const remote = sourceOfAddress('192.0.2.1')

let clock: Clock
let limiter: AttemptLimiter

beforeEach(() => {
  clock = new Clock()
  limiter = new AttemptLimiter(clock)
})

function fail(login: string, source: AttemptSource, times = 1, known = true): void {
  for (let i = 0; i < times; i++) limiter.fail(login, source, known)
}

const wait = (login: string, source: AttemptSource = uid) =>
  limiter.retryAfterSeconds(login, source)

describe('weakness 39: five failures lock an account for one source', () => {
  test('for 300 seconds, then five again', () => {
    fail('alice', uid, 4)
    expect(wait('alice')).toBeUndefined()
    fail('alice', uid)
    expect(wait('alice')).toBe(300)
    clock.ms += 299_001
    expect(wait('alice')).toBe(1)
    clock.ms += 999
    expect(wait('alice')).toBeUndefined()
    fail('alice', uid, 4)
    expect(wait('alice')).toBeUndefined()
    fail('alice', uid)
    expect(wait('alice')).toBe(300)
  })

  test('other accounts, other uids and remote sources are unaffected', () => {
    fail('alice', uid, 5)
    expect(wait('bob')).toBeUndefined()
    expect(wait('alice', sourceOfUid(1001))).toBeUndefined()
    expect(wait('alice', sourceOfUid(0))).toBeUndefined()
    expect(wait('alice', remote)).toBeUndefined()
  })

  test('successes do not count, and clear the account for their source', () => {
    for (let i = 0; i < 100; i++) expect(limiter.succeed('alice', uid)).toBeUndefined()
    fail('alice', uid, 4)
    fail('alice', remote, 4)
    expect(limiter.succeed('alice', uid)).toBeUndefined()
    fail('alice', uid, 4)
    expect(wait('alice')).toBeUndefined()
    fail('alice', remote)
    expect(wait('alice', remote)).toBe(300)
  })

  test('five failures within 300 seconds, not in longer', () => {
    for (let i = 0; i < 20; i++) {
      fail('alice', uid)
      clock.ms += 75_000
      expect(wait('alice')).toBeUndefined()
    }
    clock.ms += 300_000
    for (let i = 0; i < 5; i++) {
      fail('alice', uid)
      clock.ms += 74_999
    }
    expect(wait('alice')).toBeGreaterThan(200)
  })

  test('an attempt during a lock does not make it longer', () => {
    fail('alice', uid, 5)
    clock.ms += 200_000
    fail('alice', uid, 5)
    expect(wait('alice')).toBe(100)
  })

  test('a right password that arrives during a lock is refused and clears nothing', () => {
    fail('alice', uid, 5)
    expect(limiter.succeed('alice', uid)).toBe(300)
    expect(wait('alice')).toBe(300)
  })

  test.each(['ALICE', 'Alice', 'aLICE'])('%j is counted as alice', (spelling) => {
    fail(spelling, uid, 5)
    expect(wait('alice')).toBe(300)
  })

  test('class 9: six tries, each in another spelling, lock every spelling', () => {
    const spellings = ['alice', 'ALICE', 'Alice', 'aLICE', 'alicE', 'AlIcE']
    for (const spelling of spellings) fail(spelling, uid)
    for (const spelling of spellings) expect(wait(spelling)).toBe(300)
  })

  test('class 9: blanks, look-alikes and compatibility forms are no spelling of a name, and share one counter', () => {
    const others = [
      ' alice',
      'alice ',
      'alice\u00a0',
      '\talice',
      'ａlice',
      'al\u0131ce',
      '\u0430lice',
    ]
    for (const other of others) fail(other, uid, 1, false)
    expect(wait('alice')).toBeUndefined()
    for (const other of others) expect(wait(other)).toBe(300)
  })

  test('K and the Kelvin sign are one letter', () => {
    fail('\u212Aate', uid, 3)
    fail('kate', uid, 2)
    expect(wait('Kate')).toBe(300)
  })

  test('names that nobody can have are one name, for one source', () => {
    for (const name of ['a b', 'ａlice', '\u0000', 'x'.repeat(1_000_000), ''])
      fail(name, uid, 1, false)
    expect(wait('ö')).toBe(300)
    expect(wait('alice')).toBeUndefined()
    expect(wait('ö', sourceOfUid(1001))).toBeUndefined()
  })

  test('a name that is created in between keeps its failures', () => {
    fail('alice', uid, 5, false)
    expect(wait('alice')).toBe(300)
  })
})

describe('one source, many accounts', () => {
  test('fifty failures lock the source, local and remote alike', () => {
    for (const source of [uid, remote]) {
      for (let i = 0; i < 49; i++) fail(`user${i}`, source)
      expect(wait('alice', source)).toBeUndefined()
      fail('user49', source)
      expect(wait('alice', source)).toBe(300)
    }
    expect(wait('alice', sourceOfUid(1001))).toBeUndefined()
    expect(wait('alice', sourceOfAddress('192.0.2.2'))).toBeUndefined()
  })

  test('a success of his own does not clear what the source has done', () => {
    for (let i = 0; i < 50; i++) {
      fail(`user${i}`, uid)
      limiter.succeed('eve', uid)
    }
    expect(wait('alice')).toBe(300)
  })
})

describe('many sources, one account', () => {
  test('a hundred remote failures bind remote sources, never the kernel-proven', () => {
    for (let i = 0; i < 100; i++) fail('alice', sourceOfAddress(`198.51.100.${i}`))
    expect(wait('alice', sourceOfAddress('203.0.113.9'))).toBe(300)
    expect(wait('bob', sourceOfAddress('203.0.113.9'))).toBeUndefined()
    expect(wait('alice', uid)).toBeUndefined()
    expect(limiter.succeed('alice', uid)).toBeUndefined()
    expect(wait('alice', sourceOfAddress('203.0.113.9'))).toBe(300)
  })

  test('local failures do not count against remote sources', () => {
    for (let i = 0; i < 100; i++) fail('alice', sourceOfUid(i))
    expect(wait('alice', remote)).toBeUndefined()
  })

  test('real and invented names are limited alike', () => {
    for (let i = 0; i < 100; i++) {
      fail('real', sourceOfAddress(`198.51.100.${i}`), 1, true)
      fail('invented', sourceOfAddress(`198.51.100.${i}`), 1, false)
      expect(wait('real', remote)).toBe(wait('invented', remote))
    }
    expect(wait('real', remote)).toBe(300)
  })
})

test('root, as whom services check the logins of everybody, can have a wider limit as a source', () => {
  const { source } = DEFAULT_ATTEMPT_LIMITS
  const root = sourceOfUid(0)
  limiter = new AttemptLimiter({
    nowMs: clock.nowMs,
    limits: { rootSource: { ...source, failures: 100 } },
  })
  for (let i = 0; i < 99; i++) fail(`user-${i}`, root)
  expect(wait('alice', root)).toBeUndefined()
  fail('alice', root, 5)
  expect(wait('alice', root), 'of one account, as for everybody').toBe(300)
  expect(wait('bob', root)).toBe(300)
  for (let i = 0; i < 50; i++) fail(`user-${i}`, uid)
  expect(wait('bob', uid)).toBe(300)
})

describe('bounded memory', () => {
  beforeEach(() => {
    const { pair, source, remoteAccount } = DEFAULT_ATTEMPT_LIMITS
    const maxKeys = 500
    limiter = new AttemptLimiter({
      nowMs: clock.nowMs,
      limits: {
        pair: { ...pair, maxKeys },
        source: { ...source, maxKeys },
        remoteAccount: { ...remoteAccount, maxKeys },
      },
    })
  })

  test('invented names from many sources push out nothing that is counted for a real one', () => {
    fail('alice', remote, 4)
    for (let i = 0; i < 100; i++) {
      const source = sourceOfAddress(`10.0.${i >> 8}.${i & 255}`)
      for (let k = 0; k < 49; k++) fail(`invented-${i}-${k}`, source, 1, false)
    }
    fail('alice', remote)
    expect(wait('alice', remote)).toBe(300)
  })

  test('no remote flood pushes out a local counter', () => {
    fail('alice', uid, 4)
    for (let i = 0; i < 2_000; i++) fail('alice', sourceOfAddress(`10.1.${i >> 8}.${i & 255}`))
    fail('alice', uid)
    expect(wait('alice')).toBe(300)
  })

  test('a table keeps its size, forgets the oldest first, and drops what is over', () => {
    const table = new FailureTable({ failures: 3, windowMs: 100, lockMs: 50, maxKeys: 4 })
    for (const key of ['a', 'b', 'c', 'd']) table.fail(key, 0)
    table.fail('a', 1)
    table.fail('e', 2)
    expect(table.size).toBe(4)
    table.fail('b', 3) // was forgotten: this is its first
    table.fail('b', 3)
    expect(table.waitMs('b', 3)).toBe(0)
    table.fail('a', 4) // was not: this is its third
    expect(table.waitMs('a', 4)).toBe(50)
    table.fail('z', 1_000)
    expect(table.size).toBe(1)
  })
})

describe('sources', () => {
  test.each([
    ['192.0.2.1', 'addr:192.0.2.1'],
    ['2001:db8::1', 'addr:2001:db8:0:0::/64'],
    ['2001:DB8:0:0:ffff:1:2:3', 'addr:2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', 'addr:2001:db8:0:1::/64'],
    ['::ffff:192.0.2.1', 'addr:192.0.2.1'],
    ['::ffff:c000:201', 'addr:192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201', 'addr:192.0.2.1'],
    ['::1', 'addr:0:0:0:0::/64'],
    ['::', 'addr:0:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', 'addr:64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'addr:fe80:0:0:0::/64%eth0'],
    ['FE80::2%eth0', 'addr:fe80:0:0:0::/64%eth0'],
    ['192.0.2.1%eth0', 'addr:192.0.2.1%eth0'],
    ['1:2:3:4:5:6:7:8::', 'addr:1:2:3:4:5:6:7:8::'],
    ['1:2:3', 'addr:1:2:3'],
    ['1::2::3', 'addr:1::2::3'],
    ['::g', 'addr:::g'],
    ['::300.1.1.1', 'addr:::300.1.1.1'],
    ['', 'addr:'],
  ])('%j counts as %j', (address, key) => {
    expect(sourceOfAddress(address)).toEqual({ kernel: false, key })
  })

  test('no address is long, and none is taken for a uid', () => {
    expect(sourceOfAddress('x'.repeat(1e6)).key).toHaveLength(69)
    expect(sourceOfAddress('uid:1000').key).not.toBe(uid.key)
    expect(sourceOfUid(0)).toEqual({ kernel: true, key: 'uid:0' })
    for (const wrong of [-1, Number.NaN, '0', undefined, null, 0xffff_ffff]) {
      expect(codeOf(() => sourceOfUid(wrong as never))).toBe('RangeError')
    }
  })
})

test('the error says when to come back, and nothing of the account', () => {
  expect(lockedOutError(17)).toMatchObject({
    code: 'ERR_AUTH_LOCKED_OUT',
    errno: 106,
    retryAfterSeconds: 17,
  })
})

test('wrong limits', () => {
  for (const failures of [0, 1.5, Number.NaN]) {
    const pair = { ...DEFAULT_ATTEMPT_LIMITS.pair, failures }
    expect(codeOf(() => new AttemptLimiter({ ...clock, limits: { pair } }))).toBe('RangeError')
  }
})
