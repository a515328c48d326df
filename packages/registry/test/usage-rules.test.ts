/** What an entry is for, in policies of libvirt (specs/libvirt.md §10), through whichever door it is asked. */
import { SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outcomeOf, PEER, reason } from './fixture.ts'
import {
  ALL,
  at,
  byVolume,
  type Definition,
  define,
  MINE,
  OTHER,
  put,
  site,
  VOLUMES,
} from './usage-site.ts'

const DENIED = reason('ACCESS_DENIED')

describe('a rule about secrets for something holds', () => {
  test('for reading, by each way to ask, and the rest is as if it were not there', async () => {
    const { bob } = await site(byVolume())
    const asks: ((key: string) => Promise<unknown>)[] = [
      (key) => bob.get({ key, decrypt: true }),
      (key) => bob.get({ key, version: 1, decrypt: true }),
      (key) => bob.meta({ op: 'get', key }),
      (key) => bob.history({ key }),
      (key) => bob.txn({ then: [{ op: 'get', key, decrypt: true }] }),
      (key) => bob.txn({ compare: [{ key, value: 'value 1' }] }),
      (key) => bob.txn({ compare: [{ key, version: 1 }] }),
    ]
    for (const ask of asks) {
      await ask(at(1))
      const [other, missing] = [
        await outcomeOf(() => ask(at(2))),
        await outcomeOf(() => ask(at(3))),
      ]
      expect(other).toMatchObject({ reason: 'ACCESS_DENIED' })
      expect(other).toEqual(missing)
    }
    expect(await bob.get({ key: at(1), decrypt: true })).toMatchObject({ value: 'value 1' })
  })

  test('for lists, searches, and finding by what only one has', async () => {
    const { bob } = await site(byVolume())
    expect(
      (await bob.list({ prefix: '/libvirt', metadata: true, detail: true })).entries,
    ).toMatchObject([{ key: at(1), custom: MINE }])
    expect((await bob.search({ prefix: '/libvirt' })).entries).toMatchObject([{ key: at(1) }])
    const find = (unique: string) => bob.meta({ op: 'find', dialect: 'libvirt', unique })
    expect(await find('volume /dev/vg/mine')).toMatchObject({ key: at(1) })
    for (const unique of ['volume /dev/other', 'volume /nothing']) {
      await expect(find(unique)).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
    }
  })

  test('for an export, beside the right to export', async () => {
    const exports = { actions: ['export'], resources: ['/libvirt/**'] }
    const { bob } = await site(byVolume(), [exports])
    const { entries, omitted } = await bob.export({ prefix: '/libvirt', with_secrets: true })
    expect([entries.map(({ key }) => key), omitted]).toEqual([[at(1)], 0])
  })

  test('for changes and deletions', async () => {
    const { bob } = await site(byVolume())
    await put(bob, at(1), 'new')
    await bob.set({ key: at(1), value: 'newer' })
    await bob.txn({ then: [{ op: 'set', key: at(1), value: 'newest' }] })
    for (const digit of [2, 3]) {
      await expect(put(bob, at(digit), 'x')).rejects.toEqual(DENIED)
      await expect(bob.set({ key: at(digit), value: 'x' })).rejects.toEqual(DENIED)
      await expect(bob.delete({ key: at(digit) })).rejects.toEqual(DENIED)
      await expect(bob.versions({ op: 'purge', key: at(digit) })).rejects.toEqual(DENIED)
    }
    await bob.versions({ op: 'purge', key: at(1) })
    expect((await bob.list({ prefix: '/libvirt' })).keys).toEqual([])
  })

  test('for a recursive deletion: what he does not see stays, and stays untold', async () => {
    const { root, bob } = await site(byVolume())
    expect(await bob.delete({ key: '/libvirt', recursive: true })).toMatchObject({ deleted: 1 })
    expect((await root.list({ prefix: '/libvirt' })).keys).toEqual([at(2)])
  })

  test('in the boundary of a token', async () => {
    const { home, root } = await site([])
    const document = {
      id: 'vg-only',
      source: 'libvirt',
      principals: ['boundary:vg-only'],
      mount: '/libvirt',
      rules: byVolume(),
    }
    await root.policy({ op: 'set', document })
    const { secret: token = '' } = await root.token({ op: 'create', boundary: ['vg-only'] })
    const { session_id = '' } = await home.registry.login(PEER, { token })
    const session = home.registry.sessionHandle().resolve(session_id)
    const caller = session && home.registry.callerOf(session, PEER)
    if (caller === undefined) throw new Error('not logged in')
    const bounded = home.registry.as(caller)
    expect(await bounded.get({ key: at(1), decrypt: true })).toMatchObject({ value: 'value 1' })
    await expect(bounded.get({ key: at(2), decrypt: true })).rejects.toEqual(DENIED)
  })
})

describe('what is made is asked for as it is to be', () => {
  test('by a definition: for what the request says, whether there is one or not', async () => {
    const { root, bob } = await site(byVolume())
    await define(bob, at(3), { type: 'volume', id: '/dev/vg/new' })
    expect(await root.meta({ op: 'get', key: at(3) })).toMatchObject({
      custom: { id: '/dev/vg/new' },
    })
    for (const request of [{ type: 'ceph', id: 'x' }, OTHER, {}, { type: 'volume', id: 7 }]) {
      const [there, missing] = [
        await outcomeOf(() => define(bob, at(2), request)),
        await outcomeOf(() => define(bob, at(4), request)),
      ]
      expect(there).toMatchObject({ reason: 'ACCESS_DENIED' })
      expect(there).toEqual(missing)
    }
    await expect(define(bob, '/app/x', MINE)).rejects.toEqual(DENIED)
  })

  test('one that is denied is not told that another has the same use', async () => {
    const { bob } = await site(byVolume())
    const told = (id: string) => outcomeOf(() => define(bob, at(5), { type: 'volume', id }))
    expect(await told('/dev/other')).toEqual(await told('/dev/nothing'))
    expect(await told('/dev/vg/mine')).toMatchObject({ reason: 'ALREADY_EXISTS' })
  })

  test('over a deleted one: for what that was for too', async () => {
    const { root, bob } = await site(byVolume())
    await root.delete({ key: at(2) })
    await expect(define(bob, at(2), MINE)).rejects.toEqual(DENIED)
    await root.delete({ key: at(1) })
    await define(bob, at(1), { type: 'volume', id: '/dev/vg/next' })
    await expect(define(bob, at(1), OTHER)).rejects.toEqual(DENIED)
  })

  test('over a deleted one: by what that says of itself too', async () => {
    const all = { actions: ['create', 'purge', 'delete'], resources: ['/libvirt/**'] }
    const { root, bob } = await site([], [all])
    const frozen = {
      id: 'frozen',
      effect: 'deny',
      principals: ['user:bob'],
      actions: ['create'],
      resources: ['/libvirt/**'],
      when: { metadata: { frozen: 'yes' } },
    }
    await root.policy({ op: 'set', document: { id: 'frozen', rules: [frozen] } })
    await root.meta({ op: 'set', key: at(2), custom: { frozen: 'yes' }, granted: true })
    for (const digit of [1, 2]) await root.delete({ key: at(digit) })
    await define(bob, at(1), MINE)
    await expect(define(bob, at(2), OTHER)).rejects.toEqual(DENIED)
  })

  test('by a value alone it is for nothing', async () => {
    const { bob } = await site(byVolume())
    await expect(bob.set({ key: at(3), value: 'x' })).rejects.toEqual(DENIED)
    const none = { permissions: ALL, secrets: ['*'], usage: { type: 'none' } }
    const { bob: carol } = await site([none])
    await carol.set({ key: at(3), value: 'x' })
    await expect(carol.set({ key: at(1), value: 'x' })).rejects.toEqual(DENIED)
  })

  test('by a copy or a move: for what the source is for', async () => {
    const own = {
      actions: ['read', 'decrypt', 'create', 'write-metadata', 'update', 'grant'],
      resources: ['/app/**'],
    }
    const { root, bob } = await site(byVolume(), [own])
    await root.set({ key: '/app/a', value: 'x' })
    await root.meta({ op: 'set', key: '/app/a', custom: { type: 'volume', id: '/dev/vg/a' } })
    await root.set({ key: '/app/b', value: 'x' })
    await root.meta({ op: 'set', key: '/app/b', custom: { type: 'tls', id: 'b' } })
    const copy = (from: string, to: string, force = false) =>
      bob.transfer({ op: 'copy', from, to, force })
    await copy('/app/a', at(3))
    await expect(copy('/app/b', at(4))).rejects.toEqual(DENIED)
    await bob.transfer({ op: 'move', from: at(1), to: at(5) })
    expect(await bob.meta({ op: 'get', key: at(5) })).toMatchObject({ custom: MINE })
    await expect(bob.transfer({ op: 'move', from: at(2), to: at(6) })).rejects.toEqual(DENIED)
  })

  test('by an import: for nothing', async () => {
    const { bob } = await site([{ permissions: ALL, secrets: ['*'], usage: { type: 'none' } }])
    const run = async (key: string) => {
      const { import: id = '' } = await bob.import({ op: 'begin' })
      await bob.import({ op: 'stage', import: id, entries: [{ key, value: 'x' }] })
      return bob.import({ op: 'commit', import: id })
    }
    await run(at(3))
    await expect(run(at(1))).rejects.toEqual(DENIED)
  })
})

describe('why', () => {
  test('an explanation, a trial and who can know what an entry is for', async () => {
    const { root, bob } = await site(byVolume())
    const ask = { action: 'decrypt', resource: at(1) }
    const why = async (resource: string, api = bob) =>
      (await api.policy({ op: 'explain', action: 'decrypt', resource })).decisions?.[0]
    expect(await why(at(1))).toMatchObject({ decision: 'allow' })
    expect(await why(at(2))).toMatchObject({ decision: 'deny', reason: 'condition not met' })
    expect(await why(at(2))).toEqual(await why(at(3)))
    // As if it were for something: that is the asker's own, so it tells nothing of whether there is such an entry.
    const asIf = async (resource: string, usage = MINE) => {
      const question = { op: 'explain', action: 'decrypt', resource, context: { usage } } as const
      return (await bob.policy(question)).decisions?.[0]
    }
    expect((await asIf(at(2)))?.decision).toBe('allow')
    for (const resource of [at(1), at(2)]) {
      expect(await asIf(resource)).toEqual(await asIf(at(3)))
      expect(await asIf(resource, OTHER)).toEqual(await asIf(at(3), OTHER))
    }
    const { decisions } = await root.policy({
      op: 'test',
      requests: [at(1), at(2)].map((resource) => ({ ...ask, user: 'bob', resource })),
    })
    expect(decisions?.map(({ decision }) => decision)).toEqual(['allow', 'deny'])
    const { grants } = await root.policy({ op: 'who-can', ...ask })
    expect(grants?.map(({ principal }) => principal)).toContain('user:bob')
    const { grants: others } = await root.policy({ op: 'who-can', ...ask, resource: at(2) })
    expect(others?.map(({ principal }) => principal)).not.toContain('user:bob')
  })

  test('fault: a policy that was tried before it was set did not see what entries say of themselves', async () => {
    const { root } = await site([])
    const principals = ['user:bob']
    await root.meta({ op: 'set', key: at(1), custom: { owner: 'bob' }, granted: true })
    const documents = [
      { id: 'try', source: 'libvirt', principals, mount: '/libvirt', rules: byVolume() },
      {
        id: 'try-too',
        rules: [
          {
            id: 'own',
            effect: 'allow',
            principals,
            actions: ['grant'],
            resources: ['/libvirt/**'],
            when: { metadata: { owner: 'bob' } },
          },
        ],
      },
    ]
    const requests = ['decrypt', 'grant'].flatMap((action) =>
      [at(1), at(2)].map((resource) => ({ user: 'bob', action, resource })),
    )
    const { decisions } = await root.policy({ op: 'test', documents, requests })
    expect(decisions?.map(({ decision }) => decision)).toEqual(['allow', 'deny', 'allow', 'deny'])
  })
})

test('elsewhere nobody is for anything, whatever the metadata say', async () => {
  const { root, bob } = await site([
    { permissions: ALL, secrets: ['*'], usage: { type: 'volume' } },
  ])
  await root.set({ key: '/app/a', value: 'x' })
  await root.meta({ op: 'set', key: '/app/a', custom: MINE })
  await expect(bob.get({ key: '/app/a' })).rejects.toEqual(DENIED)
})

test('what is decided is what the rules say of what the entry is for, whatever they are', async () => {
  const usages = [undefined, MINE, OTHER, { type: 'tls', id: 'a' }] as const
  const usage = fc.constantFrom(
    undefined,
    VOLUMES,
    { type: 'none' },
    { type: 'volume' },
    { type: 'tls', id: 'a' },
    { type: 'tls', id: '*b' },
  )
  const permissions = fc.subarray([...ALL], { minLength: 1 })
  const rule = fc.record({ usage, permissions })
  const matches = (wanted: Definition | undefined, is: Definition | undefined): boolean => {
    if (wanted === undefined) return true
    const { type = 'none', id = '' } = is ?? {}
    const glob = (wanted.id ?? '*').split('*').map((part) => part.replaceAll('/', '\\/'))
    return wanted.type === type && new RegExp(`^${glob.join('.*')}$`).test(id)
  }
  const property = fc.asyncProperty(fc.array(rule, { maxLength: 4 }), async (rules) => {
    const { home, root, bob } = await site(
      rules.map(({ usage, permissions }) => ({
        permissions,
        secrets: ['*'],
        ...(usage === undefined ? {} : { usage }),
      })),
    )
    const may = (permission: string, is: Definition | undefined): boolean =>
      rules.some(
        (rule) =>
          (rule.permissions as readonly string[]).includes(permission) && matches(rule.usage, is),
      )
    for (const [index, is] of usages.entries()) {
      const key = at(index)
      if (index !== 1 && index !== 2) {
        await define(root, key, is ?? {})
        await put(root, key, 'x')
      }
      const done = async (run: () => Promise<unknown>): Promise<boolean> =>
        run().then(
          () => true,
          (error: unknown) => {
            expect(error).toEqual(DENIED)
            return false
          },
        )
      expect(await done(() => bob.get({ key, decrypt: true }))).toBe(may('secret:read-secure', is))
      expect(await done(() => bob.meta({ op: 'get', key }))).toBe(may('secret:read', is))
      expect(await done(() => put(bob, key, 'y'))).toBe(may('secret:write', is))
      const defines = may('secret:write', is) && may('secret:save', is)
      expect(await done(() => define(bob, key, is ?? {}))).toBe(defines)
      const another = define(bob, `${key.slice(0, -1)}f`, is ?? {}).catch((error: unknown) => {
        if (!SecregError.is(error) || error.reason !== 'ALREADY_EXISTS') throw error
      })
      expect(await done(() => another)).toBe(defines)
    }
    const listed = usages.flatMap((is, index) => (may('secret:getattr', is) ? [at(index)] : []))
    const { keys } = await bob
      .list({ prefix: '/libvirt', unset: false })
      .catch(() => ({ keys: [] as string[] }))
    expect(keys.filter((key) => !key.endsWith('f'))).toEqual(listed)
    await home.registry.close()
  })
  await fc.assert(property, { numRuns: 15 })
})
