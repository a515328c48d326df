/**
 * X12: what was acknowledged at the socket of subauth is there after kill -9, whichever command it was and whatever else
 * was under way. Durability class of every change: synced. Rounds: `SECREG_SOAK_ROUNDS`, 1 and 3 unless told.
 */
import { randomInt } from 'node:crypto'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { readLog } from '../lib/site.ts'
import type { SubauthCaller } from '../lib/subauth-caller.ts'
import {
  OPEN_ZONE,
  requireForeignCallers,
  type SubauthSite,
  startSubauthSite,
  USERS,
} from '../lib/subauth-site.ts'

const SOAK = process.env['SECREG_SOAK_ROUNDS']
const ROUNDS = Number(SOAK ?? 1)
const STORMS = Number(SOAK ?? 3)

/** Who asks. */
interface Cast {
  readonly root: SubauthCaller
  readonly alice: SubauthCaller
  readonly bob: SubauthCaller
}

/** One command and, after the next start, how it is told that it was done; undefined when it was not. */
interface Change {
  readonly cmd: string
  readonly act: (cast: Cast) => Promise<(cast: Cast) => Promise<boolean>>
}

async function accountOf({ root }: Cast, login: string, zone: string) {
  const { accounts } = await root.ok('list-accts', { login })
  return (accounts as { zone: string; 'allow-passwd-auth': number; tokens: Entry[] }[]).find(
    (account) => account.zone === zone,
  )
}

interface Entry {
  readonly type: string
  readonly ident?: string
  readonly comment?: string
}

const WIKI = { zone: 'wiki' }
const ALICE = { ...WIKI, login: 'alice' }

/** Each rests on those before it. */
const CHANGES: readonly Change[] = [
  {
    cmd: 'create-acct',
    act: async ({ root }) => {
      await root.ok('create-acct', ALICE)
      return async (cast) => (await accountOf(cast, 'alice', 'wiki')) !== undefined
    },
  },
  {
    cmd: 'create-token',
    act: async ({ alice }) => {
      const { token } = await alice.ok('create-token', { ...WIKI, comment: 'old' })
      return ({ root }) => root.opens('wiki', 'alice', token)
    },
  },
  {
    cmd: 'change-token',
    act: async (cast) => {
      const [entry] = (await accountOf(cast, 'alice', 'wiki'))?.tokens ?? []
      await cast.alice.ok('change-token', { ...WIKI, ident: entry?.ident, comment: 'new' })
      return async (later) => {
        const account = await accountOf(later, 'alice', 'wiki')
        return account?.tokens.some(({ comment }) => comment === 'new') === true
      }
    },
  },
  {
    cmd: 'set-passwd',
    act: async ({ alice }) => {
      await alice.ok('set-passwd', { ...WIKI, passwd: 'first' })
      return ({ root }) => root.opens('wiki', 'alice', 'first')
    },
  },
  {
    cmd: 'allow-passwd-auth',
    act: async ({ alice }) => {
      await alice.ok('allow-passwd-auth', { ...WIKI, allow: 1 })
      return async (cast) => (await accountOf(cast, 'alice', 'wiki'))?.['allow-passwd-auth'] === 1
    },
  },
  {
    cmd: 'set-passwd with auth-passwd',
    act: async ({ bob }) => {
      await bob.ok('set-passwd', { ...ALICE, 'auth-passwd': 'first', passwd: 'second' })
      return async ({ root }) =>
        (await root.opens('wiki', 'alice', 'second')) &&
        !(await root.opens('wiki', 'alice', 'first'))
    },
  },
  {
    cmd: 'create-temp',
    act: async ({ bob }) => {
      const { token } = await bob.ok('create-temp', { zone: 'mail', validity: 3600 })
      return async (cast) =>
        (await cast.root.opens('mail', 'bob', token)) &&
        (await accountOf(cast, 'bob', 'mail')) !== undefined
    },
  },
  {
    cmd: 'delete-token',
    act: async (cast) => {
      const { alice, root } = cast
      const { ident, token } = await alice.ok('create-token', WIKI)
      await alice.ok('delete-token', { ...WIKI, ident })
      const kept = (await accountOf(cast, 'alice', 'wiki'))?.tokens.length
      expect(await root.opens('wiki', 'alice', token)).toBe(false)
      return async (later) =>
        !(await later.root.opens('wiki', 'alice', token)) &&
        (await accountOf(later, 'alice', 'wiki'))?.tokens.length === kept
    },
  },
  {
    cmd: 'delete-token *',
    act: async ({ alice }) => {
      const { token } = await alice.ok('create-temp', { ...WIKI, validity: 3600 })
      await alice.ok('delete-token', { ...WIKI, ident: '*' })
      return async (cast) => {
        const entries = (await accountOf(cast, 'alice', 'wiki'))?.tokens
        const isPasswordAlone = entries?.length === 1 && entries[0]?.type === 'passwd'
        return isPasswordAlone && !(await cast.root.opens('wiki', 'alice', token))
      }
    },
  },
  {
    cmd: 'delete-passwd',
    act: async ({ alice }) => {
      await alice.ok('delete-passwd', WIKI)
      return async ({ root }) => !(await root.opens('wiki', 'alice', 'second'))
    },
  },
  {
    cmd: 'delete-acct',
    act: async ({ root }) => {
      await root.ok('delete-acct', ALICE)
      return async (cast) => (await accountOf(cast, 'alice', 'wiki')) === undefined
    },
  },
  {
    cmd: 'delete-acct *',
    act: async ({ bob, root }) => {
      await bob.ok('create-token', WIKI)
      await root.ok('delete-acct', { zone: '*', login: 'bob' })
      return async (cast) =>
        (await accountOf(cast, 'bob', 'wiki')) === undefined &&
        (await accountOf(cast, 'bob', 'mail')) === undefined
    },
  },
]

/** Kill the daemon this moment, and start the next one. */
async function killAndStart(site: SubauthSite): Promise<void> {
  await site.children.at(-1)?.kill('SIGKILL')
  await site.start()
  expect(readLog(site.audit).torn).toBe('')
}

test(`X12: each command, kill -9 at its answer, and it was done, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 120_000,
}, async (context) => {
  requireForeignCallers(context)
  await using running = await startSubauthSite({ zones: { wiki: OPEN_ZONE, mail: OPEN_ZONE } })
  const { site } = running
  const of = (uid: number) => site.caller(context, uid)
  const cast = {
    root: await of(USERS.root),
    alice: await of(USERS.alice),
    bob: await of(USERS.bob),
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { act, cmd } of CHANGES) {
      const holds = await act(cast)
      await killAndStart(site)
      expect(await holds(cast), cmd).toBe(true)
    }
  }
})

test(`kill -9 while many make and delete tokens, ${STORMS} times`, {
  timeout: 60_000 + STORMS * 60_000,
}, async (context) => {
  requireForeignCallers(context)
  const users = Object.fromEntries(Array.from({ length: 6 }, (_, at) => [`u${at}`, 2000 + at]))
  await using running = await startSubauthSite({ users: { root: 0, ...users } })
  const { site } = running
  const root = await site.caller(context, USERS.root)
  const logins = Object.keys(users)
  const callers = await Promise.all(Object.values(users).map((uid) => site.caller(context, uid)))
  const counts: number[] = []
  const dead = new Map(logins.map((login) => [login, [] as string[]]))
  for (let round = 0; round < STORMS; round++) {
    const work = callers.map((caller) => caller.step('churn', { zone: 'wiki' }) as Promise<Churned>)
    const done = Promise.all(work)
    const before = site.records().length
    const wanted = randomInt(20, 200)
    // All of them are at it, each has seen the end of a round, and so much is done.
    const ripe = (): boolean => {
      const since = site.records().slice(before)
      const of = (uid: number) => since.filter(({ body }) => body.actor.uid === uid).length
      return since.length > wanted && Object.values(users).every((uid) => of(uid) >= 4)
    }
    await Promise.race([done, waitFor(ripe, { intervalMs: 1, timeoutMs: 30_000 })])
    await site.children.at(-1)?.kill('SIGKILL')
    const churned = await done
    await site.start()
    expect(readLog(site.audit).torn).toBe('')
    for (const [at, { doubt, gone, held, rounds }] of churned.entries()) {
      const login = logins[at] as string
      counts.push(rounds)
      for (const [ident, token] of Object.entries(held)) {
        // What was asked last may have been done.
        if (ident !== doubt) expect(await root.opens('wiki', login, token), login).toBe(true)
      }
      const deleted = dead.get(login) ?? []
      deleted.push(...Object.values(gone))
      for (const token of deleted) expect(await root.opens('wiki', login, token)).toBe(false)
      const entries = (await accountOf({ root } as Cast, login, 'wiki'))?.tokens ?? []
      const known = new Set(entries.map(({ ident }) => ident))
      const missing = Object.keys(held).filter((ident) => ident !== doubt && !known.has(ident))
      expect(missing).toEqual([])
      // At most one more, whose answer was not given any more.
      expect(entries.length).toBeLessThanOrEqual(Object.keys(held).length + 1)
      await root.ok('delete-token', { zone: 'wiki', login, ident: '*' })
      deleted.push(...Object.values(held))
    }
  }
  expect(Math.min(...counts)).toBeGreaterThan(0)
})

/** What a caller has made until the server was gone. */
interface Churned {
  readonly held: Readonly<Record<string, string>>
  readonly gone: Readonly<Record<string, string>>
  readonly doubt: string | null
  readonly rounds: number
}
