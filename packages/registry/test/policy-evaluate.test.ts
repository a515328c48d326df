/** Questions of services: who may ask them, about whom and what, and what is recorded. */
import type { Caller, EvaluationInfo, RequestOf } from '@secreg/protocol'
import { loginTestUser } from '@secreg/registry/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPassedOn } from '../src/gateway-api.ts'
import { addUser, type Home, linesOf, outcomeOf, PASSWORD, reason, start } from './fixture.ts'

type Request = Extract<RequestOf<'policy'>, { op: 'evaluate' }>

const rule = (
  id: string,
  principals: string[],
  actions: string[],
  resources: string[],
  more = {},
) => ({
  id,
  effect: 'allow',
  principals,
  actions,
  resources,
  ...more,
})

const RULES = {
  id: 'web',
  rules: [
    rule('alice', ['user:alice'], ['read', 'decrypt'], ['/app/**']),
    rule('ops', ['group:ops'], ['delete'], ['/app/**']),
    rule('uid', ['uid:7001'], ['list'], ['/app/**']),
    rule('all', ['*'], ['read', 'decrypt'], ['/open/**']),
    rule('mine', ['*'], ['read-metadata'], ['/owned/**'], { when: { metadata: { owner: 'web' } } }),
    rule('run', ['user:alice'], ['read', 'decrypt'], ['/run/**'], {
      when: { purpose: ['execute'] },
    }),
    rule('mfa', ['user:alice'], ['read', 'decrypt'], ['/mfa/**'], { when: { mfa: true } }),
    rule('ip', ['user:alice'], ['read', 'decrypt'], ['/ip/**'], { when: { ip: ['10.0.0.0/8'] } }),
    rule('door', ['user:alice'], ['list'], ['/door/**'], { when: { door: ['registry'] } }),
    rule('shown', ['*'], ['list'], ['/shown/**'], { when: { proof: ['credential', 'kernel'] } }),
    rule('once', ['user:alice'], ['read', 'decrypt'], ['/once/**'], {
      obligations: { ttlSeconds: 60, maxUses: 1 },
    }),
    { ...rule('no', ['*'], ['read'], ['/app/secret/**']), effect: 'deny' },
    rule('vault', ['user:alice'], ['read', 'decrypt'], ['openbao+kv2://app/**']),
    { ...rule('keys', ['*'], ['decrypt'], ['openbao+kv2://app/keys/*']), effect: 'deny' },
    rule('pdp', ['user:pdp'], ['policy-read'], ['/app/**', '/run/**', 'yaml://app/**']),
  ],
}

async function prepared() {
  const home = await start()
  await addUser(home, 'alice', ['user'])
  await addUser(home, 'bob', ['user'])
  const pdp = await addUser(home, 'pdp', ['user'])
  await home.api.group({ op: 'add', kind: 'group', name: 'ops' })
  await home.api.group({ op: 'join', kind: 'group', name: 'ops', user: 'bob' })
  await home.api.user({ op: 'uids', user: 'alice', uids: [7002] })
  await home.api.policy({ op: 'set', document: RULES })
  const [ofAlice, ofBob] = await Promise.all(
    ['alice', 'bob'].map((user) => loginTestUser(home, user, PASSWORD)),
  )
  const as = (caller = ofAlice) => ({
    caller: caller as Caller,
    api: home.registry.as(caller as Caller),
  })
  return { home, alice: as(), bob: as(ofBob), pdp }
}

const question = (id = 'alice', name = 'execute', path = '/app/a') => ({
  subject: { type: 'user', id },
  action: { name },
  resource: { type: 'secret', id: path },
})

async function ask(api: Home['api'], request: object): Promise<EvaluationInfo> {
  const { evaluated } = await api.policy({
    op: 'evaluate',
    form: 'evaluation',
    request: { ...request },
  })
  return evaluated as EvaluationInfo
}

async function askAll(api: Home['api'], request: object): Promise<readonly EvaluationInfo[]> {
  const { evaluated } = await api.policy({
    op: 'evaluate',
    form: 'evaluations',
    request: { ...request },
  })
  return (evaluated as { evaluations: EvaluationInfo[] }).evaluations
}

const YES = { decision: true }
const NO = { decision: false }

describe('what is answered to who may read policies', () => {
  test.each([
    ['what a rule for the user allows', question(), YES],
    ['what a rule for his group allows', question('bob', 'delete'), YES],
    ['what no rule allows', question('bob'), NO],
    ['what a rule denies', question('alice', 'execute', '/app/secret/a'), NO],
    ['one action of two that a purpose takes', question('alice', 'write'), NO],
    ['an action by its name', question('alice', 'decrypt'), YES],
    ['a name in other letters', question('ALICE'), YES],
    ['a purpose that a condition asks for', question('alice', 'execute', '/run/a'), YES],
    ['another purpose', question('alice', 'read', '/run/a'), NO],
    ['a second factor, which is not known', question('alice', 'execute', '/mfa/a'), NO],
    ['an address, which is not known', question('alice', 'execute', '/ip/a'), NO],
    ['the door of the question', question('alice', 'list', '/door/a'), YES],
    ['a secret elsewhere', question('alice', 'execute', 'openbao+kv2://app/a'), YES],
    ['a key of it', question('alice', 'execute', 'openbao+kv2://app/a#key?version=3'), YES],
    ['one that a rule denies', question('alice', 'execute', 'openbao+kv2://app/keys/a'), NO],
    ['one with somebody else', question('alice', 'execute', 'hashicorp+kv2://app/a'), NO],
    ['a proof, which is the word of the service', question('alice', 'list', '/shown/a'), NO],
  ])('%s', async (_what, asked, expected) => {
    const { home } = await prepared()
    expect(await ask(home.api, asked)).toEqual(expected)
  })

  test('about roles, groups, uids and accounts', async () => {
    const { alice, home } = await prepared()
    const of = async (type: string, id: string, name: string) =>
      (await ask(home.api, { ...question('', name), subject: { type, id } })).decision
    expect(await of('account', alice.caller.accountId ?? '', 'execute')).toBe(true)
    expect(await of('group', 'ops', 'delete')).toBe(true)
    expect(await of('role', 'user', 'delete')).toBe(false)
    expect(await of('uid', '7001', 'list')).toBe(true)
    expect(await of('uid', '7001', 'execute')).toBe(false)
    // Plus what his account is.
    expect(await of('uid', '7002', 'execute')).toBe(true)
    await home.api.user({ op: 'disable', user: 'alice' })
    expect(await of('uid', '7002', 'execute')).toBe(false)
    expect(await of('account', alice.caller.accountId ?? '', 'execute')).toBe(false)
  })

  test('nobody is told from somebody without rights, nor let in by a rule for everybody', async () => {
    const { home } = await prepared()
    const open = (id: string, type = 'user') =>
      ask(home.api, { ...question('', 'read', '/open/a'), subject: { type, id } })
    expect(await open('alice')).toEqual(YES)
    await home.api.user({ op: 'disable', user: 'bob' })
    for (const [id, type] of [
      ['bob'],
      ['nobody'],
      [''],
      ['*'],
      ['a'.repeat(100_000)],
      ['alice:x'],
      ['admin2', 'role'],
      ['nothing', 'group'],
      ['nowhere', 'zone'],
      ['07001', 'uid'],
      ['-1', 'uid'],
      ['4294967296', 'uid'],
      ['web', 'boundary'],
      ['alice', 'user:alice'],
      ['alice', 'tailnet'],
      ['constructor', '__proto__'],
    ] as [string, string?][]) {
      expect(await open(id, type), `${type} ${id.slice(0, 20)}`).toEqual(NO)
      const closed = { ...question('', 'read', '/closed'), subject: { type: type ?? 'user', id } }
      expect(await ask(home.api, closed)).toEqual(
        await ask(home.api, question('pdp', 'read', '/closed')),
      )
    }
  })

  test('what is said of subject, resource and circumstances counts for nothing', async () => {
    const { home } = await prepared()
    const properties = { mfa: true, ip: '10.0.0.1', roles: ['admin'], owner: 'web', time: 0 }
    const said = (asked: ReturnType<typeof question>) => ({
      subject: { ...asked.subject, properties },
      action: { ...asked.action, properties },
      resource: { ...asked.resource, properties },
      context: { ...properties, purpose: 'execute', proof: 'credential' },
    })
    for (const path of ['/mfa/a', '/ip/a', '/owned/a', '/run/a', '/shown/a']) {
      for (const name of ['read', 'read_metadata', 'list']) {
        expect(await ask(home.api, said(question('alice', name, path)))).toEqual(NO)
      }
    }
    expect(await ask(home.api, said(question()))).toEqual(YES)
  })

  test('what an entry says of itself counts as the store has it', async () => {
    const { home } = await prepared()
    for (const [key, owner] of [
      ['/owned/a', 'web'],
      ['/owned/b', 'db'],
    ] as const) {
      await home.api.set({ key, value: 'x' })
      await home.api.meta({ op: 'set', key, custom: { owner }, granted: true })
    }
    const of = (path: string) => ask(home.api, question('bob', 'read_metadata', path))
    expect(await of('/owned/a')).toEqual(YES)
    expect(await of('/owned/b')).toEqual(NO)
    expect(await of('/owned/none')).toEqual(NO)
  })

  test('obligations go to who knows them, and nobody else is allowed', async () => {
    const { home } = await prepared()
    const once = question('alice', 'execute', '/once/a')
    const context = { supported_obligations: ['custom'] }
    expect(await ask(home.api, { ...once, context })).toEqual({
      decision: true,
      context: {
        obligations: [{ id: 'o1', type: 'custom', properties: { ttl_seconds: 60, max_uses: 1 } }],
      },
    })
    expect((await ask(home.api, once)).decision).toBe(false)
  })

  test('resources elsewhere, and actions that are none, are denied with a reason', async () => {
    const { home } = await prepared()
    const elsewhere = {
      decision: false,
      context: { reason: 'the resource is not of this registry' },
    }
    for (const resource of [
      { type: 'record', id: '/app/a' },
      { type: 'secret', id: 'app/a' },
      { type: 'secret', id: '/app//a' },
      { type: 'secret', id: '/app/../app/a' },
      { type: 'secret', id: 'openbao://app/a' },
      { type: 'secret', id: 'openbao+kv2://app' },
      { type: 'secret', id: 'openbao+kv2://app/../a' },
    ]) {
      expect(await ask(home.api, { ...question(), resource })).toEqual(elsewhere)
    }
    expect(await ask(home.api, question('alice', 'fly'))).toEqual({
      decision: false,
      context: { reason: 'there is no such action' },
    })
  })

  test('all that somebody may do to a resource', async () => {
    const { home } = await prepared()
    const search = async ({ subject, resource }: ReturnType<typeof question>) =>
      (
        await home.api.policy({
          op: 'evaluate',
          form: 'action-search',
          request: { subject, resource },
        })
      ).evaluated
    expect(await search(question())).toEqual({
      results: [{ name: 'execute' }, { name: 'read' }, { name: 'decrypt' }],
    })
    expect(await search(question('nobody'))).toEqual({ results: [] })
    expect(await search(question('alice', '', 'yaml://a/b'))).toEqual({ results: [] })
    const { body } = linesOf(home.files).at(-2) ?? {}
    expect(body).toMatchObject({ detail: 'policy-evaluate search', paths: ['/app/a'] })
    expect(body?.count).toBeGreaterThan(20)
  })
})

describe('lists', () => {
  const { subject, action, resource } = question()

  test('take entities from beside them, whole, and answer in order', async () => {
    const { home } = await prepared()
    const evaluations = [
      {},
      { subject: { type: 'user', id: 'bob' } },
      { action: { name: 'delete' }, subject: { type: 'user', id: 'bob' } },
      { resource: { id: '/app/b' } },
      7,
      { resource: { type: 'secret', id: '/app/b' } },
    ]
    const wrong = (message: string) => ({
      decision: false,
      context: { error: { status: 400, message } },
    })
    expect(await askAll(home.api, { subject, action, resource, evaluations })).toEqual([
      YES,
      NO,
      YES,
      wrong('resource.type: missing'),
      wrong('evaluation: expected an object'),
      YES,
    ])
    expect(linesOf(home.files).at(-1)?.body).toMatchObject({
      action: 'admin',
      outcome: 'ok',
      detail: 'policy-evaluate',
      paths: ['/app/a', '/app/b'],
      count: 6,
    })
  })

  test('end where they are told to', async () => {
    const { home } = await prepared()
    const items = ['alice', 'bob', 'alice'].map((id) => ({ subject: { type: 'user', id } }))
    const end = (evaluations_semantic: string, evaluations: object[]) =>
      askAll(home.api, { action, resource, evaluations, options: { evaluations_semantic } })
    expect(await end('execute_all', items)).toEqual([YES, NO, YES])
    expect(await end('deny_on_first_deny', items)).toEqual([YES, NO])
    expect(await end('permit_on_first_permit', items)).toEqual([YES])
    expect(await end('permit_on_first_permit', items.slice(1))).toEqual([NO, YES])
    await expect(end('all', items)).rejects.toEqual(reason('INVALID_ARGUMENT'))
  })

  test('of a thousand are one record', async () => {
    const { home } = await prepared()
    const evaluations = Array.from({ length: 1000 }, (_, at) => ({
      subject: { type: 'user', id: at % 2 === 0 ? 'alice' : `nobody${at}` },
      resource: { type: 'secret', id: `/app/${at}` },
    }))
    const before = linesOf(home.files).length
    const answers = await askAll(home.api, { action, evaluations })
    expect(answers.map(({ decision }) => decision)).toEqual(
      Array.from({ length: 1000 }, (_, at) => at % 2 === 0),
    )
    const [line, ...more] = linesOf(home.files).slice(before)
    expect(more).toEqual([])
    expect(line?.body).toMatchObject({ count: 1000, outcome: 'ok' })
    expect(line?.body.paths).toHaveLength(1000)
    const tooMany = { subject, action, resource, evaluations: Array(1001).fill({}) }
    await expect(askAll(home.api, tooMany)).rejects.toEqual(reason('INVALID_ARGUMENT'))
  })
})

describe('who may ask', () => {
  test('about others: whoever may read policies there; he is told the same of all the rest', async () => {
    const { home, pdp, bob } = await prepared()
    expect(await ask(pdp.api, question())).toEqual(YES)
    expect(await ask(pdp.api, question('nobody'))).toEqual(NO)
    const nowhere = { ...question(), resource: { type: 'record', id: 'a' } }
    expect((await ask(pdp.api, nowhere)).context).toMatchObject({ reason: expect.any(String) })
    await expect(ask(bob.api, nowhere)).rejects.toEqual(reason('ACCESS_DENIED'))
    const refused = [
      question('alice', 'execute', '/open/a'),
      question('nobody', 'execute', '/open/a'),
      question('alice', 'fly', '/open/a'),
    ]
    const before = linesOf(home.files).length
    const answers = await Promise.all(
      [...refused.map((one) => [pdp, one] as const), [bob, question()] as const].map(
        ([{ api }, one]) => outcomeOf(() => ask(api, one)),
      ),
    )
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1)
    expect(answers[0]).toMatchObject({ reason: 'ACCESS_DENIED' })
    const lines = linesOf(home.files).slice(before)
    expect(lines).toHaveLength(answers.length)
    for (const { body } of lines) {
      expect(body).toMatchObject({ outcome: 'denied', reason: 'ACCESS_DENIED', action: 'admin' })
    }
  })

  test('of a list, what he may not ask is an error; where he may ask nothing, all of it is', async () => {
    const { pdp, bob } = await prepared()
    const { subject, action } = question()
    const at = (...paths: string[]) => ({
      subject,
      action,
      evaluations: paths.map((id) => ({ resource: { type: 'secret', id } })),
    })
    expect(await askAll(pdp.api, at('/open/a', '/app/a'))).toEqual([
      { decision: false, context: { error: { status: 403, message: 'permission denied' } } },
      YES,
    ])
    await expect(askAll(pdp.api, at('/open/a', '/open/b'))).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(askAll(bob.api, at('/app/a'))).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(
      bob.api.policy({ op: 'evaluate', form: 'action-search', request: question() }),
    ).rejects.toEqual(reason('ACCESS_DENIED'))
  })

  test('about himself: everybody, as he comes, within what bounds him', async () => {
    const { home, alice, bob } = await prepared()
    expect(await ask(alice.api, question())).toEqual(YES)
    expect(await ask(alice.api, question('ALICE', 'execute', '/app/secret/a'))).toEqual(NO)
    expect(await ask(bob.api, question('bob', 'delete'))).toEqual(YES)
    const own = { type: 'account', id: bob.caller.accountId }
    expect(await ask(bob.api, { ...question('', 'delete'), subject: own })).toEqual(YES)
    await expect(
      ask(bob.api, { ...question(), subject: { type: 'group', id: 'ops' } }),
    ).rejects.toEqual(reason('ACCESS_DENIED'))
    // He has shown a password.
    expect(await ask(alice.api, question('alice', 'list', '/shown/a'))).toEqual(YES)
    await home.api.policy({
      op: 'set',
      document: {
        id: 'narrow',
        rules: [rule('a', ['boundary:narrow'], ['read', 'decrypt'], ['/app/a'])],
      },
    })
    const made = await alice.api.token({ op: 'create', boundary: ['narrow'] })
    const peer = { door: 'registry', address: 'test' } as const
    const { session_id = '' } = await home.registry.login(peer, { token: made.secret ?? '' })
    const session = home.registry.sessionHandle().resolve(session_id)
    const bounded = home.registry.as(home.registry.callerOf(session as never, peer) as Caller)
    expect(await ask(bounded, question())).toEqual(YES)
    expect(await ask(bounded, question('alice', 'execute', '/app/b'))).toEqual(NO)
  })

  test('what is no request is refused in words that repeat nothing of it', async () => {
    const { home } = await prepared()
    const forms: Request['form'][] = ['evaluation', 'evaluations', 'action-search']
    for (const form of forms) {
      for (const request of [
        {},
        { ...question(), subject: 'canary' },
        { ...question(), resource: { type: 'canary' } },
        { ...question(), subject: { type: 'user', id: 7 } },
      ]) {
        const outcome = await outcomeOf(() => home.api.policy({ op: 'evaluate', form, request }))
        expect(outcome).toMatchObject({ reason: 'INVALID_ARGUMENT' })
        expect(JSON.stringify(outcome)).not.toContain('canary')
      }
    }
    expect(linesOf(home.files).at(-1)?.body).toMatchObject({ outcome: 'failed' })
  })

  test('nothing is answered of a sealed registry', async () => {
    const { home, alice } = await prepared()
    await home.registry.lock(home.admin)
    await expect(ask(alice.api, question())).rejects.toEqual(reason('SEALED'))
  })
})

test('what is answered and what is explained never disagree', async () => {
  const { home } = await prepared()
  const actions = ['list', 'decrypt', 'update']
  const rules = fc.array(
    fc.record({
      effect: fc.constantFrom('allow', 'deny'),
      principals: fc.subarray(['user:alice', 'role:user', 'group:ops', '*'], { minLength: 1 }),
      actions: fc.subarray(actions, { minLength: 1 }),
      resources: fc.subarray(['/app/a', '/app/*', '/**', '/app/b/**'], { minLength: 1 }),
    }),
    { maxLength: 4 },
  )
  await fc.assert(
    fc.asyncProperty(rules, async (list) => {
      // Who has denied himself something could not change it any more: what was there goes first.
      await home.api.policy({ op: 'set', document: { id: 'random', rules: [] } })
      const document = { id: 'random', rules: list.map((one, at) => ({ id: `r${at}`, ...one })) }
      await home.api.policy({ op: 'set', document })
      for (const user of ['alice', 'bob', 'pdp']) {
        for (const action of actions) {
          for (const resource of ['/app/a', '/app/b/c', '/other']) {
            const asked = { user, action, resource }
            const { decisions } = await home.api.policy({ op: 'explain', ...asked })
            const { decision } = await ask(home.api, question(user, action, resource))
            expect([asked, decision]).toEqual([asked, decisions?.[0]?.decision === 'allow'])
          }
        }
      }
    }),
    { numRuns: 20 },
  )
})

test('a gateway passes these questions on, and no other about policies', () => {
  expect(isPassedOn('policy', { op: 'evaluate' })).toBe(true)
  for (const op of [
    'list',
    'get',
    'set',
    'test',
    'explain',
    'who-can',
    'what-can',
    'Evaluate',
    undefined,
  ]) {
    expect(isPassedOn('policy', { op })).toBe(false)
  }
  expect(isPassedOn('policy', undefined)).toBe(false)
})
