import {
  type Session,
  type SessionDetails,
  SessionTable,
  type SessionTableOptions,
} from '@secreg/zones'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { Clock, codeOf, crypto } from './support.ts'

const ALICE = 'a'.repeat(32)
const BOB = 'b'.repeat(32)
const HOUR = 3_600_000

let clock: Clock
let table: SessionTable
let hashes: number

function make(limits: SessionTableOptions['limits'] = {}): SessionTable {
  hashes = 0
  const sha256 = (bytes: Uint8Array) => {
    hashes++
    return crypto.sha256(bytes)
  }
  return new SessionTable({ nowMs: clock.nowMs, crypto: { ...crypto, sha256 }, limits })
}

function details(accountId: string, more: Partial<SessionDetails> = {}): SessionDetails {
  return { accountId, login: accountId.slice(0, 1), roles: ['operator'], mfa: false, ...more }
}

function open(accountId: string, more: Partial<SessionDetails> = {}) {
  const opened = table.open(details(accountId, more), table.epoch)
  if (opened === undefined) throw new Error('the epoch is the present one')
  return opened
}

beforeEach(() => {
  clock = new Clock()
  table = make()
})

describe('weakness 37: sliding time-out, absolute cap, and no life after a restart', () => {
  test('it is valid for its time-out and no longer', () => {
    const { id } = open(ALICE)
    clock.ms += HOUR - 1
    expect(table.touch(id)?.accountId).toBe(ALICE)
    clock.ms += HOUR - 1
    expect(table.touch(id)?.accountId).toBe(ALICE)
    clock.ms += HOUR
    expect(table.touch(id)).toBeUndefined()
    expect(table.size).toBe(0)
  })

  test('it ends after 24 hours of use', () => {
    const { id, session } = open(ALICE)
    for (let i = 0; i < 47; i++) {
      clock.ms += HOUR / 2
      expect(table.touch(id)).toBe(session)
    }
    expect(session.expiresAtMs).toBe(session.createdAtMs + 24 * HOUR)
    clock.ms += HOUR / 2
    expect(table.touch(id)).toBeUndefined()
  })

  test('a look at it does not keep it', () => {
    const { id } = open(ALICE)
    clock.ms += HOUR
    expect(table.list()).toEqual([])
    expect(table.touch(id)).toBeUndefined()
  })

  test('another table, as after a restart, does not know it', () => {
    const { id } = open(ALICE)
    expect(make().touch(id)).toBeUndefined()
  })

  test('a shorter life, as for a gateway', () => {
    const { id } = open(ALICE, { lifetimeMs: 300_000 })
    clock.ms += 299_999
    expect(table.touch(id)).toBeDefined()
    clock.ms += 1
    expect(table.touch(id)).toBeUndefined()
    expect(open(ALICE, { lifetimeMs: 1e12 }).session.expiresAtMs).toBe(clock.ms + HOUR)
  })
})

describe('weakness 38: the limit of an account', () => {
  test('the sixth ends the least recently used, only that, and says so', () => {
    const others = [open(BOB), open(BOB)]
    const mine = [1, 2, 3, 4, 5].map(() => open(ALICE))
    table.touch(mine[0]?.id as string)
    const sixth = open(ALICE)
    expect(sixth.evicted).toEqual([mine[1]?.session])
    const alive = [...others, ...mine, sixth].filter(({ id }) => table.touch(id) !== undefined)
    expect(alive).toEqual([...others, mine[0], ...mine.slice(2), sixth])
  })

  test('one that has timed out is not counted and not called evicted', () => {
    for (let i = 0; i < 5; i++) open(ALICE)
    clock.ms += HOUR
    expect(open(ALICE).evicted).toEqual([])
    expect(table.list(ALICE)).toHaveLength(1)
  })

  test('sessions that are not counted have a limit of their own', () => {
    table = make({ uncountedPerAccount: 2 })
    const gateway = {}
    const mine = [1, 2, 3, 4, 5].map(() => open(ALICE))
    const first = open(ALICE, { counted: false, binding: gateway })
    open(ALICE, { counted: false, binding: gateway })
    expect(open(ALICE, { counted: false, binding: gateway }).evicted).toEqual([first.session])
    for (const { id } of mine) expect(table.touch(id)).toBeDefined()
  })

  test('the limit of all is busy, and ends nobody else', () => {
    table = make({ total: 3 })
    const kept = [open(ALICE), open(ALICE), open(BOB)]
    expect(codeOf(() => open(BOB))).toBe('ERR_BUSY')
    for (const { id } of kept) expect(table.touch(id)).toBeDefined()
    clock.ms += HOUR
    expect(open(BOB).evicted).toEqual([])
  })

  test('at the limit of all, one may still replace his own', () => {
    table = make({ total: 2, perAccount: 2 })
    const first = open(ALICE)
    open(ALICE)
    expect(open(ALICE).evicted).toEqual([first.session])
  })
})

describe('weakness 40: nobody becomes uid 0 or admin', () => {
  test('a session without a uid has none', () => {
    expect(open(ALICE).session.uid).toBeUndefined()
    expect(open(ALICE, { uid: 0 }).session.uid).toBe(0)
    for (const uid of [-1, Number.NaN, 0.5, '0', null, 0xffff_ffff]) {
      expect(codeOf(() => open(ALICE, { uid: uid as never }))).toBe('RangeError')
    }
  })

  test('a session without an account is none', () => {
    for (const accountId of ['', 'root', undefined as never, null as never]) {
      expect(codeOf(() => table.open(details(accountId ?? ''), 0))).toBe('RangeError')
    }
  })

  test('a second factor is said, not assumed', () => {
    expect(codeOf(() => open(ALICE, { mfa: undefined as never }))).toBe('TypeError')
    expect(open(ALICE).session.mfa).toBe(false)
  })
})

describe('ids', () => {
  test('are UUIDv4, and are not kept', () => {
    const { id, session } = open(ALICE)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const seen = JSON.stringify([session, table.list()])
    expect(seen).not.toContain(id)
    expect(seen).not.toContain(id.slice(-12))
    expect(session.ref).toMatch(/^[0-9a-f]{32}$/)
  })

  test('use all 122 bits of the source', () => {
    const fill = (byte: number) => ({
      ...crypto,
      randomBytes: (n: number) => new Uint8Array(n).fill(byte),
    })
    const id = (byte: number) =>
      new SessionTable({ ...clock, crypto: fill(byte) }).open(details(ALICE), 0)?.id
    expect(id(0)).toBe('00000000-0000-4000-8000-000000000000')
    expect(id(255)).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff')
  })

  test('a random source that repeats itself hands out no session of another', () => {
    const stuck = { ...crypto, randomBytes: (n: number) => new Uint8Array(n) }
    table = new SessionTable({ nowMs: clock.nowMs, crypto: stuck })
    open(ALICE)
    expect(codeOf(() => open(BOB))).toBe('ERR_INTERNAL')
  })

  test('what has not the form of one is refused without a hash', () => {
    const { id, session } = open(ALICE)
    hashes = 0
    const texts = [
      '',
      id.toUpperCase(),
      ` ${id}`,
      `${id}\n`,
      `{${id}}`,
      session.ref,
      'x'.repeat(1e6),
    ]
    for (const text of [
      ...texts,
      '__proto__',
      id.replaceAll('-', ''),
      `${id.slice(0, 14)}1${id.slice(15)}`,
    ]) {
      expect(table.touch(text)).toBeUndefined()
    }
    expect(hashes).toBe(0)
  })
})

describe('a handle', () => {
  test('hashes an id once', () => {
    const { id, session } = open(ALICE)
    const handle = table.handle()
    hashes = 0
    for (let i = 0; i < 100; i++) expect(handle.resolve(id)).toBe(session)
    expect(hashes).toBe(1)
  })

  test('slides, and ends with the session however that ends', () => {
    const endings: ((id: string, session: Session) => unknown)[] = [
      (id) => table.close(id),
      (_, session) => table.closeSession(session),
      () => table.closeAccount(ALICE),
      () => {
        clock.ms += HOUR
      },
      () => {
        clock.ms += HOUR
        table.sweep()
      },
      () => {
        for (let i = 0; i < 5; i++) open(ALICE)
      },
    ]
    for (const end of endings) {
      const { id, session } = open(ALICE)
      const handle = table.handle()
      clock.ms += HOUR - 1
      expect(handle.resolve(id)).toBe(session)
      clock.ms += 1
      expect(handle.resolve(id)).toBe(session)
      end(id, session)
      expect(handle.resolve(id)).toBeUndefined()
      expect(session.roles).toEqual([])
    }
  })

  test('tells ids apart that differ in one character, and comes back', () => {
    const first = open(ALICE)
    const second = open(BOB)
    const handle = table.handle()
    expect(handle.resolve(first.id)).toBe(first.session)
    for (let i = 0; i < 36; i++) {
      const other = first.id.slice(0, i) + (first.id[i] === '0' ? '1' : '0') + first.id.slice(i + 1)
      expect(handle.resolve(other)).toBeUndefined()
    }
    expect(handle.resolve('')).toBeUndefined()
    expect(handle.resolve(second.id)).toBe(second.session)
    expect(handle.resolve(first.id)).toBe(first.session)
  })
})

describe('a session of a peer that the kernel vouches for', () => {
  test('is unknown to every other uid, root included, and to peers without one', () => {
    const { id, session } = open(ALICE, { uid: 1000 })
    for (const uid of [0, 999, 1001, 65_534]) {
      expect(table.touch(id, { uid }), String(uid)).toBeUndefined()
      expect(table.handle({ uid }).resolve(id), String(uid)).toBeUndefined()
    }
    expect(table.touch(id)).toBeUndefined()
    expect(table.handle().resolve(id)).toBeUndefined()
    expect(session.lastUsedAtMs).toBe(session.createdAtMs)
    expect(table.handle({ uid: 1000 }).resolve(id)).toBe(session)
    expect(table.touch(id, { uid: 1000, binding: {} })).toBe(session)
  })

  test('of uid 0 is not that of a peer without one', () => {
    const { id, session } = open(ALICE, { uid: 0 })
    expect(table.touch(id)).toBeUndefined()
    expect(table.touch(id, { uid: 0 })).toBe(session)
  })

  test('says that the kernel stood for a credential, never without a uid', () => {
    expect(open(ALICE, { uid: 5, kernel: true }).session.kernel).toBe(true)
    expect(open(ALICE, { uid: 5 }).session.kernel).toBeUndefined()
    expect(codeOf(() => open(ALICE, { kernel: true }))).toBe('TypeError')
    expect(codeOf(() => open(ALICE, { uid: 5, kernel: false as never }))).toBe('TypeError')
  })
})

describe('a session bound to a connection', () => {
  test('is unknown elsewhere, and trying does not keep or end it', () => {
    const mine = {}
    const { id, session } = open(ALICE, { binding: mine })
    expect(table.touch(id)).toBeUndefined()
    expect(table.touch(id, { binding: {} })).toBeUndefined()
    expect(table.handle().resolve(id)).toBeUndefined()
    expect(table.handle({ binding: {} }).resolve(id)).toBeUndefined()
    expect(session.lastUsedAtMs).toBe(session.createdAtMs)
    expect(table.touch(id, { binding: mine })).toBe(session)
    expect(table.handle({ binding: mine }).resolve(id)).toBe(session)
  })

  test('ends with its connection, and only those', () => {
    const one = {}
    const two = {}
    const mine = [open(ALICE, { binding: one }), open(BOB, { binding: one })]
    const other = open(ALICE, { binding: two })
    expect(table.closeBinding(one)).toEqual(mine.map(({ session }) => session))
    expect(table.closeBinding(one)).toEqual([])
    expect(table.list()).toEqual([other.session])
  })

  test('is demanded of a session that is not counted', () => {
    expect(codeOf(() => open(ALICE, { counted: false }))).toBe('TypeError')
  })
})

describe('a change of an account', () => {
  test('takes the roles at once, until the account was read again', () => {
    const { id, session } = open(ALICE, { roles: ['admin'] })
    const other = open(BOB, { roles: ['admin'] })
    const handle = table.handle()
    handle.resolve(id)
    table.invalidateAccount(ALICE)
    expect(handle.resolve(id)).toMatchObject({ stale: true, roles: [] })
    expect(other.session).toMatchObject({ stale: false, roles: ['admin'] })
    const { epoch } = table
    expect(table.refresh(session, { login: 'alice2', roles: ['user'] }, epoch)).toBe(true)
    expect(handle.resolve(id)).toMatchObject({ stale: false, roles: ['user'], login: 'alice2' })
  })

  test('during the reading of the account is not lost', () => {
    const { session } = open(ALICE, { roles: ['admin'] })
    table.invalidateAccount(ALICE)
    const { epoch } = table
    table.invalidateAccount(ALICE)
    expect(table.refresh(session, { login: 'a', roles: ['admin'] }, epoch)).toBe(false)
    expect(session).toMatchObject({ stale: true, roles: [] })
  })

  test('turns away a login under way', () => {
    const { epoch } = table
    table.closeAccount(ALICE)
    expect(table.open(details(ALICE), epoch)).toBeUndefined()
    expect(table.size).toBe(0)
  })

  test('ends its sessions, or all but one', () => {
    const mine = [open(ALICE), open(ALICE), open(ALICE)]
    const other = open(BOB)
    expect(table.closeAccount(ALICE, mine[1]?.session)).toEqual([
      mine[0]?.session,
      mine[2]?.session,
    ])
    expect(table.list()).toEqual([mine[1]?.session, other.session])
    expect(mine[1]?.session.stale).toBe(true)
    expect(table.closeAccount(ALICE)).toHaveLength(1)
    expect(table.closeAccount(ALICE)).toEqual([])
  })

  test('the roles that were given in do not change a session later', () => {
    const roles: 'admin'[] = []
    const { session } = open(ALICE, { roles })
    roles.push('admin')
    expect(session.roles).toEqual([])
  })
})

test('an ended session is not refreshed or ended again, nor a made-up one', () => {
  const { id, session } = open(ALICE)
  expect(table.close(id)).toBe(session)
  expect(table.close(id)).toBeUndefined()
  expect(table.closeSession(session)).toBe(false)
  expect(table.closeSession({ ...session })).toBe(false)
  expect(table.refresh(session, { login: 'a', roles: ['admin'] }, table.epoch)).toBe(false)
  const { session: live } = open(ALICE)
  expect(table.closeSession({ ...live })).toBe(false)
})

test('wrong limits', () => {
  for (const value of [0, -1, 1.5, Number.NaN, '5' as never]) {
    expect(codeOf(() => make({ perAccount: value }))).toBe('RangeError')
  }
  expect(codeOf(() => open(ALICE, { lifetimeMs: 0 }))).toBe('RangeError')
  expect(codeOf(() => open(ALICE, { lifetimeMs: Number.NaN }))).toBe('RangeError')
})

test('any sequence agrees with a list of sessions', () => {
  interface Model {
    id: string
    account: string
    createdMs: number
    usedMs: number
    use: number
  }
  const idleMs = 10
  const lifetimeMs = 25
  const perAccount = 2
  const account = fc.constantFrom(ALICE, BOB)
  const step = fc.oneof(
    fc.record({ do: fc.constant('open' as const), account }),
    fc.record({ do: fc.constant('touch' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('resolve' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('close' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('closeAccount' as const), account }),
    fc.record({ do: fc.constant('sweep' as const) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.nat(8) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      clock = new Clock()
      table = make({ idleMs, lifetimeMs, perAccount })
      const handle = table.handle()
      const issued: string[] = []
      let model: Model[] = []
      let uses = 0
      const alive = (one: Model) =>
        clock.ms - one.usedMs < idleMs && clock.ms - one.createdMs < lifetimeMs
      for (const one of steps) {
        const id = 'which' in one ? (issued[one.which % (issued.length || 1)] ?? '') : ''
        const expected = model.find((entry) => entry.id === id && alive(entry))
        if (one.do === 'open') {
          const opened = open(one.account)
          const mine = model.filter((entry) => entry.account === one.account && alive(entry))
          const over = mine.sort((a, b) => a.use - b.use).slice(0, mine.length - perAccount + 1)
          expect(opened.evicted).toHaveLength(mine.length >= perAccount ? 1 : 0)
          if (mine.length >= perAccount) model = model.filter((entry) => !over.includes(entry))
          issued.push(opened.id)
          const ms = clock.ms
          model.push({
            id: opened.id,
            account: one.account,
            createdMs: ms,
            usedMs: ms,
            use: ++uses,
          })
        } else if (one.do === 'touch' || one.do === 'resolve') {
          const session = one.do === 'touch' ? table.touch(id) : handle.resolve(id)
          expect(session?.accountId).toBe(expected?.account)
          if (expected !== undefined) Object.assign(expected, { usedMs: clock.ms, use: ++uses })
        } else if (one.do === 'close') {
          table.close(id)
          model = model.filter((entry) => entry.id !== id)
        } else if (one.do === 'closeAccount') {
          table.closeAccount(one.account)
          model = model.filter((entry) => entry.account !== one.account)
        } else if (one.do === 'sweep') {
          table.sweep()
          expect(table.size).toBe(model.filter(alive).length)
        } else {
          clock.ms += one.ms
        }
        expect(table.list().map((session) => session.accountId)).toEqual(
          model.filter(alive).map((entry) => entry.account),
        )
      }
    }),
    { numRuns: 300 },
  )
})
