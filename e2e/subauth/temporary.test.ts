/** Temporary tokens, which are nowhere stored: they end with their time, and with what they were made for. */
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import type { SubauthCaller } from '../lib/subauth-caller.ts'
import { requireForeignCallers, startSubauthSite, USERS } from '../lib/subauth-site.ts'

const ACCOUNT = { zone: 'wiki', login: 'alice' }

/** What ends all temporary tokens of an account, and leaves it as if it had not been. */
const ENDS: Readonly<Record<string, (root: SubauthCaller) => Promise<void>>> = {
  'delete-token *': async (root) => {
    await root.ok('delete-token', { ...ACCOUNT, ident: '*' })
  },
  'delete-acct, and a new account of the name': async (root) => {
    await root.ok('delete-acct', ACCOUNT)
    await root.ok('create-acct', ACCOUNT)
  },
  'delete-acct of all zones, and a new account by itself': async (root) => {
    await root.ok('delete-acct', { ...ACCOUNT, zone: '*' })
    await root.ok('create-token', ACCOUNT)
  },
}

test('a temporary token dies with what revokes it, and is dead after a restart', async (context) => {
  requireForeignCallers(context)
  await using running = await startSubauthSite()
  const { site } = running
  const root = await site.caller(context, USERS.root)
  const alice = await site.caller(context, USERS.alice)
  const opens = (token: string) => root.opens('wiki', 'alice', token)
  const make = async (): Promise<string> =>
    (await alice.ok('create-temp', { zone: 'wiki', validity: 3600 })).token
  const restart = async (signal: NodeJS.Signals): Promise<void> => {
    await site.children.at(-1)?.kill(signal)
    await site.start()
  }
  const dead: string[] = []
  for (const [what, end] of Object.entries(ENDS)) {
    const tokens = [await make(), await make()]
    await restart('SIGKILL')
    for (const token of tokens)
      expect(await opens(token), `${what}: it outlives a restart`).toBe(true)
    await end(root)
    dead.push(...tokens)
    for (const token of dead) expect(await opens(token), what).toBe(false)
    await restart('SIGKILL')
    for (const token of dead) expect(await opens(token), `${what}, and a restart`).toBe(false)
    expect(await opens(await make())).toBe(true)
  }
})

test('a temporary token ends with its time', async (context) => {
  requireForeignCallers(context)
  await using running = await startSubauthSite()
  const root = await running.site.caller(context, USERS.root)
  const alice = await running.site.caller(context, USERS.alice)
  const madeAt = Date.now()
  const { token } = await alice.ok('create-temp', { zone: 'wiki', validity: 1 })
  await waitFor(async () => !(await root.opens('wiki', 'alice', token)), {
    what: 'a token of one second to end',
  })
  expect(Date.now() - madeAt).toBeGreaterThanOrEqual(1000)
  // Others of the account are as they were.
  const { token: longer } = await alice.ok('create-temp', { zone: 'wiki', validity: 3600 })
  expect(await root.opens('wiki', 'alice', longer)).toBe(true)
  for (const validity of [3601, 0, -1, 1.5, '60', null, 1e300]) {
    await alice.refused('create-temp', { zone: 'wiki', validity })
  }
})
