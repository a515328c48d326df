/** Access tokens through the registry: boundaries, uses, ends and revocation, also of many at once. */
import type { Caller, RegistryApi, RequestOf } from '@secreg/protocol'
import { TEST_ADMIN } from '@secreg/registry/testing'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addUser,
  type Home,
  linesOf,
  outcomeOf,
  PASSWORD,
  PEER,
  reason,
  restart,
  start,
} from './fixture.ts'

type Wanted = Omit<Extract<RequestOf<'token'>, { op: 'create' }>, 'op'>

interface Bearer {
  readonly ident: string
  readonly secret: string
  readonly caller: () => Caller | undefined
  readonly api: () => RegistryApi
}

async function logIn(home: Home, secret: string) {
  const answer = await home.registry.login(PEER, { token: secret })
  const handle = home.registry.sessionHandle()
  const caller = (): Caller | undefined => {
    const session = handle.resolve(answer.session_id ?? '')
    return session === undefined ? undefined : home.registry.callerOf(session, PEER)
  }
  return { answer, caller }
}

/** Make a token and log in with it. */
async function bear(home: Home, wanted: Wanted, api = home.api): Promise<Bearer> {
  const made = await api.token({ op: 'create', ...wanted })
  const secret = made.secret ?? ''
  const { answer, caller } = await logIn(home, secret)
  expect(answer.success).toBe(true)
  return {
    ident: made.tokens[0]?.token ?? '',
    secret,
    caller,
    api: () => {
      const who = caller()
      if (who === undefined) throw Object.assign(new Error('no session'), { reason: 'SESSION' })
      return home.registry.as(who)
    },
  }
}

/** A policy that gives nothing by itself. */
const READER = {
  id: 'ci-read',
  rules: [
    {
      id: 'r',
      effect: 'allow',
      principals: ['boundary:ci-read'],
      actions: ['read', 'list'],
      resources: ['/app/**'],
    },
  ],
}

describe('a boundary', () => {
  test('lets through what it allows alone, and nothing that its owner may not', async () => {
    const home = await start()
    await home.api.policy({ op: 'set', document: READER })
    await home.api.set({ key: '/app/a', value: 'x' })
    await home.api.set({ key: '/other/a', value: 'x' })
    const bearer = await bear(home, { boundary: ['ci-read'] })
    const api = bearer.api()
    expect(await api.get({ key: '/app/a' })).toMatchObject({ value: 'x' })
    expect(await api.list({ prefix: '/', recursive: true })).toEqual({ keys: ['/app/a'] })
    for (const attempt of [
      () => api.get({ key: '/other/a' }),
      () => api.set({ key: '/app/a', value: 'y' }),
      () => api.user({ op: 'list' }),
      () => api.policy({ op: 'list' }),
    ] as (() => Promise<unknown>)[]) {
      await expect(attempt()).rejects.toEqual(reason('ACCESS_DENIED'))
    }
    expect(await api.whoami()).toMatchObject({ token: bearer.ident, boundary: ['ci-read'] })
    const told = await api.policy({ op: 'explain', action: 'update', resource: '/app/a' })
    expect(told.decisions).toMatchObject([
      { decision: 'deny', reason: 'outside the boundary of the token' },
    ])
    // By itself the policy lets nobody in.
    const bob = await addUser(home, 'bob', ['user'])
    await expect(bob.api.get({ key: '/app/a' })).rejects.toEqual(reason('ACCESS_DENIED'))
    const bobs = await bear(home, { boundary: ['ci-read'] }, bob.api)
    await expect(bobs.api().get({ key: '/app/a' })).rejects.toEqual(reason('ACCESS_DENIED'))
  })

  test('changes with its policy, which is not deleted while it bounds', async () => {
    const home = await start()
    await home.api.policy({ op: 'set', document: READER })
    await home.api.set({ key: '/app/a', value: 'x' })
    const { api, ident } = await bear(home, { boundary: ['ci-read'] })
    await expect(home.api.policy({ op: 'delete', policy: 'ci-read' })).rejects.toEqual(
      reason('IN_USE'),
    )
    await home.api.policy({ op: 'set', document: { ...READER, rules: [] } })
    await expect(api().get({ key: '/app/a' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await home.api.token({ op: 'revoke', token: ident })
    await home.api.policy({ op: 'delete', policy: 'ci-read' })
  })

  test('is said, and of policies that there are', async () => {
    const { api } = await start()
    await expect(api.token({ op: 'create', boundary: ['none'] })).rejects.toEqual(
      reason('NOT_FOUND'),
    )
  })

  test('cannot be widened by who is bounded', async () => {
    const home = await start()
    const editor = {
      id: 'editor',
      rules: [
        {
          id: 'r',
          effect: 'allow',
          principals: ['boundary:editor'],
          actions: ['policy', 'policy-read', 'grant'],
          resources: ['/', '/**'],
        },
      ],
    }
    await home.api.policy({ op: 'set', document: editor })
    const { api } = await bear(home, { boundary: ['editor'] })
    const wider = { ...editor, rules: [{ ...editor.rules[0], actions: ['policy', 'read'] }] }
    await expect(api().policy({ op: 'set', document: wider })).rejects.toEqual(
      reason('GRANT_EXCEEDED'),
    )
    const narrower = { ...editor, rules: [{ ...editor.rules[0], actions: ['policy'] }] }
    await api().policy({ op: 'set', document: narrower })
  })
})

describe('a session of a token', () => {
  test('makes and changes no credentials', async () => {
    const home = await start()
    await addUser(home, 'bob', ['user'])
    const { api, caller } = await bear(home, { boundary: 'full' })
    expect(caller()).not.toHaveProperty('boundary')
    for (const attempt of [
      () => api().token({ op: 'create', boundary: 'full' }),
      () => api().password({ old_password: TEST_ADMIN.admin_password, new_password: PASSWORD }),
      () => api().mfa({ op: 'begin', password: TEST_ADMIN.admin_password }),
      () => api().mfa({ op: 'reset', user: 'bob' }),
      () => api().user({ op: 'password', user: 'bob', password: PASSWORD }),
      () => api().user({ op: 'uids', user: 'bob', uids: [1] }),
      () => api().user({ op: 'add', user: 'eve', password: PASSWORD }),
      () => api().user({ op: 'add', user: 'eve', uids: [2] }),
      () => api().user({ op: 'add', user: 'eve', system: true }),
      () => api().zone({ op: 'add', zone: 'z' }),
    ] as (() => Promise<unknown>)[]) {
      await expect(attempt()).rejects.toEqual(reason('PASSWORD_SESSION_REQUIRED'))
    }
    await api().user({ op: 'disable', user: 'bob' })
  })

  test('ends with its token, its owner, or all that he was given', async () => {
    for (const end of ['revoke', 'disable', 'remove', 'revoke-all'] as const) {
      const home = await start()
      const bob = await addUser(home, 'bob', ['user'])
      await bob.api.set({ key: '/user/bob/a', value: 'x' })
      const { api, caller, ident, secret } = await bear(home, { boundary: 'full' }, bob.api)
      expect(await api().get({ key: '/user/bob/a' })).toMatchObject({ value: 'x' })
      if (end === 'revoke') await bob.api.token({ op: 'revoke', token: ident })
      else if (end === 'revoke-all') await home.api.user({ op: 'revoke', user: 'bob' })
      else await home.api.user({ op: end, user: 'bob' })
      expect(caller(), end).toBeUndefined()
      expect((await logIn(home, secret)).answer).toMatchObject({
        success: false,
        error: { reason: 'AUTH_FAILED' },
      })
      if (end === 'disable') {
        // What was disabled comes back as it was.
        await home.api.user({ op: 'enable', user: 'bob' })
        expect((await logIn(home, secret)).answer.success).toBe(true)
      }
      if (end === 'remove') {
        await home.api.versions({ op: 'purge', key: '/user/bob/a' })
        await addUser(home, 'bob', ['user'])
        expect((await logIn(home, secret)).answer.success).toBe(false)
      }
    }
  })

  test('ends when the token does', async () => {
    let nowMs = 1_800_000_000_000
    let elapsedMs = 0
    const home = await start({ now: () => nowMs, monotonicMs: () => elapsedMs })
    const { caller, secret } = await bear(home, { boundary: 'full', expires_in_s: 60 })
    elapsedMs += 59_999
    nowMs += 59_999
    expect(caller()).toBeDefined()
    elapsedMs += 1
    nowMs += 1
    expect(caller()).toBeUndefined()
    expect((await logIn(home, secret)).answer.success).toBe(false)
  })

  test('does not outlive its end by a clock that is set back meanwhile', async () => {
    let elapsedMs = 0
    const home = await start({ monotonicMs: () => elapsedMs })
    const { caller } = await bear(home, { boundary: 'full', expires_in_s: 60 })
    elapsedMs += 60_000
    expect(caller()).toBeUndefined()
  })
})

describe('uses', () => {
  test('no use too many, however many come at once and through however many sessions', async () => {
    const home = await start()
    await home.api.set({ key: '/a', value: 'x' })
    const uses = 7
    const made = await home.api.token({ op: 'create', boundary: 'full', uses })
    const sessions = await Promise.all(
      Array.from({ length: 4 }, () => logIn(home, made.secret ?? '')),
    )
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const caller = sessions[i % 4]?.caller()
        if (caller === undefined) return undefined
        const api = home.registry.as(caller)
        if (i % 3 === 0) return outcomeOf(() => api.set({ key: '/b', value: String(i) }))
        if (i % 3 === 1) return outcomeOf(() => api.get({ key: '/absent' }))
        return outcomeOf(() => api.get({ key: '/a' }))
      }),
    )
    const spent = outcomes.filter(
      (one) => one !== undefined && (one as { reason?: string }).reason !== 'AUTH_FAILED',
    )
    expect(spent).toHaveLength(uses)
    const asked = outcomes.filter((one) => one !== undefined).length
    const lines = linesOf(home.files)
    const from = lines.findIndex(({ body }) => body.detail?.startsWith('token-create') === true)
    // One record each, also of those that found no use left.
    const operations = lines.slice(from + 1).filter(({ body }) => body.actor.token !== undefined)
    expect(operations.filter(({ body }) => body.detail === 'token-use')).toHaveLength(asked - uses)
    expect(operations.filter(({ body }) => body.action !== 'auth')).toHaveLength(uses)
    for (const { caller } of sessions) expect(caller()).toBeUndefined()
    expect((await home.api.token({ op: 'list' })).tokens).toEqual([])
    expect((await logIn(home, made.secret ?? '')).answer.success).toBe(false)
  })

  test('status and whoami cost none; what is refused does', async () => {
    const home = await start()
    const bearer = await bear(home, { boundary: 'full', uses: 2 })
    const left = async () => (await home.api.token({ op: 'list' })).tokens[0]?.uses_left
    await bearer.api().status()
    await bearer.api().whoami()
    expect(await left()).toBe(2)
    await outcomeOf(() => bearer.api().get({ key: '/absent' }))
    expect(await left()).toBe(1)
  })

  test('survive a restart, and each is recorded with its token', async () => {
    const engine = new FaultEngine()
    const first = await start({ engine })
    const { api, ident, secret } = await bear(first, { boundary: 'full', uses: 2 })
    await outcomeOf(() => api().get({ key: '/absent' }))
    await first.registry.close()
    const home = await restart({ engine: engine.restart(), files: first.files })
    expect((await home.api.token({ op: 'list' })).tokens).toMatchObject([{ uses_left: 1 }])
    const caller = (await logIn(home, secret)).caller()
    if (caller === undefined) throw new Error('no session')
    await outcomeOf(() => home.registry.as(caller).get({ key: '/absent' }))
    expect((await logIn(home, secret)).answer.success).toBe(false)
    const reads = linesOf(home.files).filter(({ body }) => body.action === 'read')
    expect(reads.map(({ body }) => body.actor.token)).toEqual([ident, ident])
  })
})

test('others’ tokens are seen, made and revoked only by who may administer them', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  const eve = await addUser(home, 'eve', ['user'])
  const made = await bob.api.token({ op: 'create', boundary: 'full', label: 'ci' })
  const ident = made.tokens[0]?.token ?? ''
  const absent = await outcomeOf(() => eve.api.token({ op: 'revoke', token: 'f'.repeat(16) }))
  // class 24: the ident of another's token is as good as none.
  expect(await outcomeOf(() => eve.api.token({ op: 'revoke', token: ident }))).toEqual(absent)
  for (const attempt of [
    () => eve.api.token({ op: 'list', user: 'bob' }),
    () => eve.api.token({ op: 'create', user: 'bob', boundary: 'full' }),
  ] as (() => Promise<unknown>)[]) {
    await expect(attempt()).rejects.toEqual(reason('ACCESS_DENIED'))
  }
  expect(await home.api.token({ op: 'list', user: 'bob' })).toMatchObject({
    tokens: [{ token: ident, user: 'bob', label: 'ci', boundary: 'full' }],
  })
  expect(JSON.stringify(linesOf(home.files))).not.toContain(made.secret)
  await home.api.token({ op: 'revoke', token: ident })
  expect((await bob.api.token({ op: 'list' })).tokens).toEqual([])
})

test('class 8: what is not a token, not known, ended or revoked is answered alike', async () => {
  const home = await start({ attemptLimits: {} })
  const made = await home.api.token({ op: 'create', boundary: 'full' })
  const secret = made.secret ?? ''
  await home.api.token({ op: 'revoke', token: made.tokens[0]?.token ?? '' })
  const answers = []
  for (const token of [
    '',
    'x',
    secret,
    secret.replace(/.$/, 'A'),
    `sreg_${'0'.repeat(16)}_${'A'.repeat(43)}`,
  ]) {
    answers.push((await logIn(home, token)).answer)
  }
  for (const answer of answers) expect(answer).toEqual(answers[0])
})

test('a token never does what its owner or its boundary alone would not, whatever the policies', async () => {
  const home = await start()
  const bob = await addUser(home, 'bob', ['user'])
  const paths = ['/app/a', '/app/b', '/x']
  for (const key of paths) await home.api.set({ key, value: 'v' })
  const effect = fc.constantFrom('allow', 'deny')
  const resources = fc.subarray(['/app/a', '/app/*', '/**', '/x'], { minLength: 1 })
  const rules = (principal: string) =>
    fc.array(fc.record({ effect, resources }), { maxLength: 3 }).map((list) =>
      list.map((one, i) => ({
        id: `r${i}`,
        principals: [principal],
        actions: ['read'],
        ...one,
      })),
    )
  await home.api.policy({ op: 'set', document: { id: 'own', rules: [] } })
  await home.api.policy({ op: 'set', document: { id: 'bound', rules: [] } })
  const bearer = await bear(home, { boundary: ['bound'] }, bob.api)
  await fc.assert(
    fc.asyncProperty(rules('user:bob'), rules('boundary:bound'), async (own, bound) => {
      await home.api.policy({ op: 'set', document: { id: 'own', rules: own } })
      await home.api.policy({ op: 'set', document: { id: 'bound', rules: bound } })
      for (const key of paths) {
        const allowed = (list: typeof own): boolean => {
          const matching = list.filter(({ resources: all }) => all.some((one) => matches(one, key)))
          return (
            matching.some((one) => one.effect === 'allow') &&
            !matching.some((one) => one.effect === 'deny')
          )
        }
        const got = await outcomeOf(() => bearer.api().get({ key }))
        expect('answer' in (got as object)).toBe(allowed(own) && allowed(bound))
      }
    }),
    { numRuns: 40 },
  )
})

/** The few patterns of the property above. */
function matches(pattern: string, key: string): boolean {
  if (pattern === '/**') return true
  if (pattern === '/app/*') return key.startsWith('/app/')
  return pattern === key
}
