/** Guesses at the socket of subauth: they are counted by who guesses, and each takes its time. */
import type { SkippableContext } from '@secreg/testkit'
import { expect, test } from 'vitest'
import {
  requireForeignCallers,
  type SubauthSiteOptions,
  startSubauthSite,
  USERS,
} from '../lib/subauth-site.ts'

const ATTEMPTS = 3
const DELAY_MS = 400
const ALICE = { zone: 'wiki', login: 'alice' }

async function start(context: SkippableContext, options: SubauthSiteOptions) {
  requireForeignCallers(context)
  const running = await startSubauthSite(options)
  const of = (uid: number) => running.site.caller(context, uid)
  const [root, alice] = await Promise.all([of(USERS.root), of(USERS.alice)])
  const [bob, carol] = await Promise.all([of(USERS.bob), of(USERS.carol)])
  await alice.ok('set-passwd', { zone: 'wiki', passwd: 'alices' })
  await alice.ok('allow-passwd-auth', { zone: 'wiki', allow: 1 })
  return { ...running, root, alice, bob, carol }
}

const manages = { ...ALICE, validity: 60 }
const by = (password: string) => ({ ...manages, 'auth-passwd': password })

test('who guesses at a password of somebody is locked out of it, and nobody else is', async (context) => {
  const config = `rate_limit_attempts = ${ATTEMPTS}`
  await using running = await start(context, { config })
  const { alice, bob, carol, root } = running
  const { token } = await alice.ok('create-token', { zone: 'wiki' })
  for (let at = 0; at < ATTEMPTS; at++) await bob.refused('create-temp', by('wrong'))
  await bob.refused('create-temp', by('alices'))
  // Not by a new connection, by another command or by a packet that is another one.
  await bob.open()
  const request = { cmd: 'delete-token', ...ALICE, ident: '*', 'auth-passwd': 'alices' }
  expect((await bob.exchange({ request })).reply?.error).not.toBe('')
  await carol.ok('create-temp', by('alices'))
  await alice.ok('create-temp', { zone: 'wiki', validity: 60 })
  expect(await root.opens('wiki', 'alice', 'alices')).toBe(true)

  // A service is told wrong passwords of one user: his tokens and the others' passwords open all the same.
  for (let at = 0; at < ATTEMPTS; at++)
    expect(await root.opens('wiki', 'alice', 'wrong')).toBe(false)
  expect(await root.opens('wiki', 'alice', 'alices')).toBe(false)
  expect(await root.opens('wiki', 'alice', token)).toBe(true)
  await carol.ok('set-passwd', { zone: 'wiki', passwd: 'carols' })
  expect(await root.opens('wiki', 'carol', 'carols')).toBe(true)
  expect(await alice.opens('wiki', 'alice', 'alices')).toBe(true)
})

test('guesses that are made at the same time do not outrun the count', async (context) => {
  const config = `rate_limit_attempts = ${ATTEMPTS}`
  await using running = await start(context, { config })
  const { bob, site } = running
  const names = Array.from({ length: 10 }, (_, at) => `c${at}`)
  await bob.step('crowd', { names })
  const request = { cmd: 'create-temp', ...by('wrong') }
  const { answers } = await bob.step('ask_all', { names, request })
  expect(Object.keys(answers)).toHaveLength(names.length)
  const refusals = site.records().filter(({ body }) => body.detail?.includes('create-temp'))
  const reasons = refusals.map(({ body }) => body.reason)
  expect(reasons.filter((reason) => reason === 'AUTH_FAILED').length).toBeLessThanOrEqual(ATTEMPTS)
  expect(new Set(reasons)).not.toContain(undefined)
  await bob.refused('create-temp', by('alices'))
})

test('every refusal takes its time, and nothing else does', async (context) => {
  await using running = await start(context, { subauth: `failure_delay_ms = ${DELAY_MS}` })
  const { alice, bob, root } = running
  await alice.open()
  await bob.open()
  await root.open()
  const took = async (caller: typeof bob, request: object): Promise<number> => {
    const { seconds } = (await caller.step('timed', { request })) as { seconds: [number] }
    return seconds[0] * 1000
  }
  const denied = [
    [root, { cmd: 'login', ...ALICE, passwd: 'wrong' }],
    [root, { cmd: 'login', ...ALICE, passwd: 'abcd-wrong' }],
    [root, { cmd: 'login', zone: 'wiki', login: 'nosuchuser', passwd: 'wrong' }],
    [root, { cmd: 'login', zone: 'nozone', login: 'nosuchuser', passwd: 'abcd-wrong' }],
    [bob, { cmd: 'create-temp', ...by('wrong') }],
    [bob, { cmd: 'create-temp', ...manages }],
    [bob, { cmd: 'create-temp', ...manages, login: 'nosuchuser' }],
    [bob, { cmd: 'create-acct', ...ALICE }],
  ] as const
  for (const [caller, request] of denied) {
    expect(await took(caller, request), JSON.stringify(request)).toBeGreaterThanOrEqual(DELAY_MS)
  }
  // One that waits for a refusal holds up nobody: the others are answered before it is.
  await bob.send({ request: { cmd: 'create-temp', ...manages } })
  const { seconds } = await alice.step('timed', { request: { cmd: 'list-accts' }, count: 20 })
  expect(Math.min(...seconds) * 1000).toBeLessThan(DELAY_MS)
  expect((await bob.receive()).reply?.error).not.toBe('')
})
