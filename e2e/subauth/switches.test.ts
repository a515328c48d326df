/** Switches of zones that are turned while secrets are about: what is off opens nothing any more, what is on again does. */
import { type SkippableContext, waitFor } from '@secreg/testkit'
import { afterAll, expect, test } from 'vitest'
import type { StartedSite } from '../lib/site.ts'
import type { SubauthCaller } from '../lib/subauth-caller.ts'
import {
  OPEN_ZONE,
  requireForeignCallers,
  type SubauthSite,
  startSubauthSite,
  USERS,
  type ZoneKeys,
} from '../lib/subauth-site.ts'

let running: Promise<StartedSite<SubauthSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function everybody(context: SkippableContext) {
  requireForeignCallers(context)
  running ??= startSubauthSite()
  const started = await running
  const of = (uid: number) => started.site.caller(context, uid)
  const [root, alice, bob] = await Promise.all([of(USERS.root), of(USERS.alice), of(USERS.bob)])
  return { ...started, root, alice, bob }
}

type Secrets = Readonly<Record<'password' | 'token' | 'temporary', string>>

/** What the account of alice has, and whether each of it does what it is for. */
class Holdings {
  readonly #root: SubauthCaller
  readonly #zone: string
  readonly #secrets: Secrets

  private constructor(root: SubauthCaller, zone: string, secrets: Secrets) {
    this.#root = root
    this.#zone = zone
    this.#secrets = secrets
  }

  static async make(root: SubauthCaller, alice: SubauthCaller, zone: string): Promise<Holdings> {
    await alice.ok('set-passwd', { zone, passwd: 'alices' })
    await alice.ok('allow-passwd-auth', { zone, allow: 1 })
    const { token } = await alice.ok('create-token', { zone })
    const { token: temporary } = await alice.ok('create-temp', { zone, validity: 600 })
    return new Holdings(root, zone, { password: 'alices', token, temporary })
  }

  /** Of each: whether it does what it is for. */
  async good(): Promise<Record<string, boolean>> {
    const opens = (secret: string) => this.#root.opens(this.#zone, 'alice', secret)
    const { password, temporary, token } = this.#secrets
    const account = { zone: this.#zone, login: 'alice', 'auth-passwd': password }
    const managed = await this.#root.ask('change-token', {
      ...account,
      ident: token.slice(0, 4),
      comment: 'x',
    })
    return {
      password: await opens(password),
      token: await opens(token),
      temporary: await opens(temporary),
      management: managed.error === '',
    }
  }
}

const ALL = { password: true, token: true, temporary: true, management: true }

const OFF: readonly (readonly [keys: ZoneKeys, good: object])[] = [
  [{ allow_tokens: false }, { ...ALL, token: false }],
  [{ max_temp_validity: 0 }, { ...ALL, temporary: false }],
  [{ allow_passwd_auth: false }, { ...ALL, management: false }],
  [{ auto_create: false }, ALL],
]

test('a switch that the file turns off holds from the reload on, and all is as before once it is on again', async (context) => {
  const { alice, bob, daemon, root, site } = await everybody(context)
  const zone = 'filed'
  /** Have the daemon read the file with these keys, and wait until it tells so. */
  const reload = async (keys: ZoneKeys | undefined): Promise<void> => {
    site.configure({ zones: { wiki: OPEN_ZONE, ...(keys === undefined ? {} : { [zone]: keys }) } })
    daemon.signal('SIGHUP')
    const { allow_passwd, allow_passwd_auth, allow_tokens, max_temp_validity } = keys ?? {}
    const shown = {
      zone,
      'allow-passwd': Number(allow_passwd ?? false),
      'allow-tokens': Number(allow_tokens ?? false),
      'allow-passwd-auth': Number(allow_passwd_auth ?? false),
      'max-temp-validity': max_temp_validity ?? 0,
    }
    await waitFor(
      async () => {
        const { zones } = await root.ok('list-zones')
        expect(zones).toContainEqual(expect.objectContaining(shown))
        return true
      },
      { what: `zone ${zone} to be as in the file` },
    )
  }
  await reload(OPEN_ZONE)
  const holdings = await Holdings.make(root, alice, zone)
  expect(await holdings.good()).toEqual(ALL)
  for (const [keys, good] of OFF) {
    await reload({ ...OPEN_ZONE, ...keys })
    expect(await holdings.good(), JSON.stringify(keys)).toEqual(good)
    await reload(OPEN_ZONE)
    expect(await holdings.good()).toEqual(ALL)
  }
  await reload({ ...OPEN_ZONE, allow_passwd: false })
  expect(await holdings.good()).toMatchObject({ password: false, token: true, temporary: true })

  // The zone is gone from the file: nothing opens it, and nothing of it is lost.
  await reload(undefined)
  expect(await holdings.good()).toEqual({
    password: false,
    token: false,
    temporary: false,
    management: false,
  })
  await bob.refused('create-token', { zone })
  await reload(OPEN_ZONE)
  expect(await holdings.good()).toEqual(ALL)
  await bob.ok('create-token', { zone })
})

test('a switch that an administrator turns off holds with the next request', async (context) => {
  const { admin, alice, bob, root } = await everybody(context)
  const zone = 'set-by-hand'
  const on = {
    allow_passwd: true,
    allow_tokens: true,
    allow_passwd_auth: true,
    auto_create: true,
    max_temp_validity_s: 3600,
  }
  await admin.ok('zone', { op: 'add', zone, ...on })
  const holdings = await Holdings.make(root, alice, zone)
  expect(await holdings.good()).toEqual(ALL)
  const set = (switches: object) => admin.ok('zone', { op: 'set', zone, ...on, ...switches })
  for (const [keys, good] of OFF) {
    const { max_temp_validity, ...flags } = keys
    await set({ ...flags, ...(max_temp_validity === 0 ? { max_temp_validity_s: 0 } : {}) })
    expect(await holdings.good(), JSON.stringify(keys)).toEqual(good)
    await set({})
    expect(await holdings.good()).toEqual(ALL)
  }
  await set({ auto_create: false })
  await bob.refused('create-token', { zone })
  await bob.refused('set-passwd', { zone, passwd: 'bobs' })
  await bob.refused('create-temp', { zone, validity: 60 })
  expect((await root.ok('list-accts', { login: 'bob' })).accounts).not.toContainEqual(
    expect.objectContaining({ zone }),
  )
  await admin.ok('zone', { op: 'remove', zone })
  expect(Object.values(await holdings.good())).toEqual([false, false, false, false])
  // A zone of the same name is another one.
  await admin.ok('zone', { op: 'add', zone, ...on })
  expect(Object.values(await holdings.good())).toEqual([false, false, false, false])
})

test('a zone of the file is not changed by other means', async (context) => {
  const { admin, root } = await everybody(context)
  const before = await root.ok('list-zones')
  for (const request of [
    { op: 'set', zone: 'wiki', allow_tokens: false },
    { op: 'remove', zone: 'wiki' },
  ]) {
    expect((await admin.refused('zone', request)).reason).toBe('ZONE_REFUSED')
  }
  expect(await root.ok('list-zones')).toEqual(before)
})
