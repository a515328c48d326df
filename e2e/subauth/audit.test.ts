/** What the log tells of the socket of subauth: each operation once, by whom the kernel says it was; never a secret. */
import { readFileSync } from 'node:fs'
import { createCanary, findCanary, type SkippableContext } from '@secreg/testkit'
import { expect, test } from 'vitest'
import type { AuditLine } from '../lib/site.ts'
import type { SubauthCaller, SubauthReply } from '../lib/subauth-caller.ts'
import {
  OPEN_ZONE,
  requireForeignCallers,
  STRANGER,
  type SubauthSiteOptions,
  startSubauthSite,
  USERS,
} from '../lib/subauth-site.ts'

const ZONES = { wiki: OPEN_ZONE, closed: {} }

async function start(context: SkippableContext, options: SubauthSiteOptions = {}) {
  requireForeignCallers(context)
  const running = await startSubauthSite({ zones: ZONES, ...options })
  const of = (uid: number) => running.site.caller(context, uid)
  const [root, alice, bob] = await Promise.all([of(USERS.root), of(USERS.alice), of(USERS.bob)])
  return { ...running, root, alice, bob, stranger: await of(STRANGER) }
}

type By = 'root' | 'alice' | 'bob' | 'stranger'

/** What is asked, what it comes to, and what the log says of it; `IDENT` is that of the token that was made first. */
type Asked = readonly [by: By, cmd: string, fields: object, outcome: string, detail: string]

const AUTH = { 'auth-passwd': 'alices' }
const ALICE = { zone: 'wiki', login: 'alice' }
const WIKI = { zone: 'wiki' }

const ASKED: readonly Asked[] = [
  ['root', 'create-acct', ALICE, 'ok', 'zone-create-account wiki alice'],
  ['root', 'create-acct', ALICE, 'failed', 'zone-create-account wiki alice'],
  ['alice', 'create-acct', ALICE, 'denied', 'zone-create-account wiki alice'],
  ['alice', 'create-token', { ...WIKI, comment: 'x' }, 'ok', 'zone-create-token wiki alice'],
  ['bob', 'create-token', ALICE, 'denied', 'zone-create-token wiki alice'],
  ['stranger', 'create-token', WIKI, 'failed', 'zone-create-token wiki'],
  ['alice', 'create-token', { zone: 'closed' }, 'failed', 'zone-create-token closed alice'],
  ['alice', 'set-passwd', { ...WIKI, passwd: 'alices' }, 'ok', 'zone-set-password wiki alice'],
  ['alice', 'allow-passwd-auth', { ...WIKI, allow: 1 }, 'ok', 'zone-allow-password wiki alice'],
  [
    'bob',
    'create-temp',
    { ...ALICE, ...AUTH, validity: 60 },
    'ok',
    'zone-create-temp wiki alice by password',
  ],
  [
    'bob',
    'create-temp',
    { ...ALICE, 'auth-passwd': 'wrong', validity: 60 },
    'denied',
    'zone-create-temp wiki alice by password',
  ],
  ['root', 'login', { ...ALICE, passwd: 'alices' }, 'ok', 'zone-check wiki alice'],
  ['root', 'login', { ...ALICE, passwd: 'wrong' }, 'denied', 'zone-check wiki alice'],
  ['alice', 'login', { ...WIKI, passwd: 'alices' }, 'ok', 'zone-check wiki alice'],
  ['bob', 'login', { ...ALICE, passwd: 'alices' }, 'denied', 'zone-check wiki alice'],
  ['alice', 'list-accts', {}, 'ok', 'zone-accounts * alice'],
  ['bob', 'list-accts', { login: 'alice' }, 'denied', 'zone-accounts * alice'],
  ['alice', 'list-zones', {}, 'ok', 'zone-list'],
  ['stranger', 'zones', {}, 'ok', 'zone-list'],
  [
    'alice',
    'change-token',
    { ...WIKI, ident: 'IDENT', comment: 'y' },
    'ok',
    'zone-change-token wiki alice IDENT',
  ],
  [
    'alice',
    'delete-token',
    { ...WIKI, ident: 'IDENT' },
    'ok',
    'zone-delete-token wiki alice IDENT',
  ],
  [
    'alice',
    'delete-token',
    { ...WIKI, ident: 'IDENT' },
    'failed',
    'zone-delete-token wiki alice IDENT',
  ],
  ['alice', 'delete-token', { ...WIKI, ident: '*' }, 'ok', 'zone-delete-token wiki alice *'],
  ['alice', 'delete-passwd', WIKI, 'ok', 'zone-delete-password wiki alice'],
  ['root', 'delete-acct', ALICE, 'ok', 'zone-delete-account wiki alice'],
  ['root', 'delete-acct', { zone: '*', login: 'alice' }, 'ok', 'zone-delete-account * alice'],
  ['bob', 'delete-acct', ALICE, 'denied', 'zone-delete-account wiki alice'],
]

const UIDS: Readonly<Record<By, number>> = { ...USERS, stranger: STRANGER }

test('each operation is in the log once, with the door and the uid that asked', async (context) => {
  await using running = await start(context)
  const { site } = running
  let ident = ''
  const seen: object[] = []
  const expected: object[] = []
  for (const [by, cmd, fields, outcome, detail] of ASKED) {
    const before = site.records().length
    const request = JSON.parse(JSON.stringify(fields).replace('IDENT', ident)) as object
    const reply = await running[by].ask(cmd, request)
    if (cmd === 'create-token' && reply.error === '') ident = reply.ident
    expect(reply.error === '', `${by} ${cmd}: ${reply.error}`).toBe(outcome === 'ok')
    const found = site.records().slice(before) as readonly AuditLine[]
    const asked = { by, cmd, fields }
    seen.push(
      ...found.map(({ body: { actor, detail: told, outcome: came } }) => ({
        ...asked,
        outcome: came,
        detail: told,
        door: actor.door,
        proof: actor.proof,
        uid: actor.uid,
        principal: actor.principal,
      })),
    )
    expected.push({
      ...asked,
      outcome,
      detail: detail.replace('IDENT', ident),
      door: 'subauth',
      proof: 'kernel',
      uid: UIDS[by],
      principal: `uid:${UIDS[by]}`,
    })
  }
  expect(seen).toEqual(expected)
  // What asks nothing of the registry, and what is no request, is not in it.
  const before = site.records().length
  await running.alice.ok('nop')
  await running.alice.refused('no-such-command')
  await running.alice.refused('create-token', { zone: 7 })
  expect(site.records()).toHaveLength(before)
})

test('packets of somebody else than whose connection it is are in the log, by who has sent them', async (context) => {
  await using running = await start(context)
  const { site } = running
  const root = await site.caller(context, USERS.root)
  await root.step('take', { of: USERS.alice })
  await root.step('become', { real: USERS.bob })
  const before = site.records().length
  await root.exchange({ request: { cmd: 'list-accts' } })
  expect(await root.receive()).toEqual({ closed: true })
  const found = site.records().slice(before)
  expect(found).toHaveLength(1)
  expect(found[0]?.body).toMatchObject({
    action: 'auth',
    outcome: 'denied',
    reason: 'ACCESS_DENIED',
    actor: { door: 'subauth', uid: USERS.bob },
  })
})

/** A text that a password may be: without a minus. */
const secret = (name: string): string => createCanary(name).replaceAll('-', '')

test('no secret is in any file, in the log, in the metrics or in an answer', async (context) => {
  await using running = await start(context, { config: '[log]\nlevel = "trace"' })
  const { admin, alice, bob, daemon, root, site } = running
  const given = {
    password: secret('first'),
    'next password': secret('next'),
    'wrong password': secret('wrong'),
    'wrong auth-passwd': secret('wrongauth'),
    'refused password': `${secret('refused')}-x`,
    'password of a wrong type': secret('list'),
    'password in a packet that is no JSON': secret('broken'),
    'token that there is none': `abcd-${secret('token')}`,
  }
  const answers: SubauthReply[] = []
  const ask = async (by: SubauthCaller, cmd: string, fields: object): Promise<SubauthReply> => {
    const reply = await by.ask(cmd, fields)
    answers.push(reply)
    return reply
  }
  await ask(alice, 'set-passwd', { ...WIKI, passwd: given['refused password'] })
  await ask(alice, 'set-passwd', { ...WIKI, passwd: [given['password of a wrong type']] })
  await ask(alice, 'set-passwd', { ...WIKI, passwd: given.password })
  await ask(alice, 'allow-passwd-auth', { ...WIKI, allow: 1 })
  const made = await alice.ok('create-token', WIKI)
  const temporary = await alice.ok('create-temp', { ...WIKI, validity: 600 })
  const wrong = { 'auth-passwd': given['wrong auth-passwd'] }
  await ask(bob, 'create-token', { ...ALICE, ...wrong })
  const right = { 'auth-passwd': given.password }
  await ask(bob, 'set-passwd', { ...ALICE, ...right, passwd: given['next password'] })
  for (const passwd of [
    given['wrong password'],
    given['next password'],
    given['token that there is none'],
    made.token,
    `${made.token}x`,
    temporary.token,
    `${temporary.token}x`,
  ]) {
    await ask(root, 'login', { ...ALICE, passwd })
    await ask(bob, 'login', { ...ALICE, passwd })
    await ask(bob, 'create-token', { ...ALICE, 'auth-passwd': passwd })
  }
  await alice.open()
  const broken = await alice.exchange({
    text: `{"cmd":"login","zone":"wiki","passwd":"${given['password in a packet that is no JSON']}`,
  })
  if (broken.reply !== undefined) answers.push(broken.reply)
  answers.push(await root.ask('list-accts', { login: 'alice' }), await alice.ask('list-zones'))

  const { metrics } = await admin.ok('maintain', { op: 'metrics' })
  const all: Readonly<Record<string, string>> = {
    ...given,
    token: made.token.slice(made.token.indexOf('-') + 1),
    'temporary token': temporary.token,
    'seal of the temporary token': temporary.token.split('-').at(-1),
  }
  const look = (when: string): void => {
    const told = {
      answers: JSON.stringify(answers),
      log: daemon.stderr() + daemon.stdout(),
      metrics,
    }
    for (const [what, text] of Object.entries(all)) {
      expect(findCanary(text, site.home.path), `${what}, ${when}`).toEqual([])
      for (const [place, content] of Object.entries(told)) {
        expect(content.includes(text), `${what} in ${place}, ${when}`).toBe(false)
      }
    }
  }
  look('while it runs')
  // The search works: what is no secret is found.
  expect(findCanary('zone-create-token wiki alice', site.audit).length).toBeGreaterThan(0)
  expect(readFileSync(`/proc/${daemon.pid}/cmdline`, 'latin1')).not.toContain(given.password)
  await daemon.kill('SIGTERM')
  look('after its end')
})
