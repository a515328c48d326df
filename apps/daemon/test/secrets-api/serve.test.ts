/** The Secrets API of a whole daemon, over the registry socket. */
import { readdirSync, readFileSync } from 'node:fs'
import type { RegistryConnection } from '@secreg/client'
import type { RequestOf, SecretsResponse, SecretsRoute } from '@secreg/protocol'
import { expect, test } from 'vitest'
import type { SecretsApiSettings } from '../../src/secrets-api/settings.ts'
import { PASSWORD, type RunningDaemon, runDaemon } from '../running-daemon.ts'
import { apiSettings } from './provider-settings.ts'

type Ask = Omit<Extract<RequestOf<'secrets'>, { op: 'ask' }>, 'op' | 'route'>

interface Site extends RunningDaemon {
  readonly admin: RegistryConnection
  readonly yamlPath: string
  ask(
    connection: RegistryConnection,
    route: SecretsRoute,
    more?: Ask,
    // biome-ignore lint/suspicious/noExplicitAny: what is answered
  ): Promise<{ status: number; headers: SecretsResponse['headers']; body: any }>
  /** Records of the log about secrets. */
  // biome-ignore lint/suspicious/noExplicitAny: what is recorded
  records(): any[]
}

async function site(more: Partial<SecretsApiSettings> = {}): Promise<Site> {
  // The path is only known once there is a home; nothing is read before the first request.
  const running = await runDaemon()
  const yamlPath = running.home.file('secrets.yaml')
  const admin = await running.initialize()
  await running.daemon.configure(running.configOf(''), apiSettings({ yamlPath, ...more }))
  return {
    ...running,
    admin,
    yamlPath,
    ask: async (connection, route, asked = {}) => {
      const answer = await connection.request('secrets', { op: 'ask', route, ...asked })
      return { ...answer, body: JSON.parse(answer.body) }
    },
    records: () => {
      const directory = running.home.file('audit')
      const lines = readdirSync(directory)
        .filter((name) => name.endsWith('.jsonl'))
        .flatMap((name) => readFileSync(`${directory}/${name}`, 'utf8').trimEnd().split('\n'))
      return lines.map((line) => JSON.parse(line).body).filter(({ action }) => action === 'secret')
    },
  }
}

const ACTIONS = ['read', 'decrypt', 'create', 'update', 'read-metadata']

/** Somebody whom policies let use what is in the file, often, and read entries below one path. */
async function alice({ admin, connect }: RunningDaemon & { admin: RegistryConnection }) {
  await admin.user({ op: 'add', user: 'alice', password: PASSWORD, roles: ['user'] })
  const connection = await connect()
  await connection.auth({ username: 'alice', password: PASSWORD })
  return connection
}

async function allowAlice(admin: RegistryConnection): Promise<void> {
  const principals = ['user:alice']
  const often = { obligations: { ttlSeconds: 300, maxUses: 100 } }
  const rules = [
    {
      id: 'yaml',
      effect: 'allow',
      principals,
      actions: ACTIONS,
      resources: ['yaml://secret/**'],
      ...often,
    },
    { id: 'entries', effect: 'allow', principals, actions: ACTIONS, resources: ['/secret/**'] },
  ]
  await admin.policy({ op: 'set', document: { id: 'secrets', rules } })
}

const uri = (text: string) => ({ query: `uri=${text.replace('#', '%23')}` })
const write = (text: string, value: unknown) => ({ body: JSON.stringify({ uri: text, value }) })

test('an account is who policies name: nothing by itself, and one record of each operation', async () => {
  const home = await site()
  const { admin, ask, records } = home
  const user = await alice(home)
  const denied = await ask(user, 'write', write('yaml://secret/env#A', 'v'))
  expect(denied).toMatchObject({ status: 403, body: { code: 'SECRET_AUTHZ_FAILED' } })
  await allowAlice(admin)
  const written = await ask(user, 'write', {
    ...write('yaml://secret/env#A', 'v'),
    correlation: 'request-1',
  })
  expect(written).toMatchObject({ status: 200, body: { status: 'ok' } })
  const read = await ask(user, 'value', uri('yaml://secret/env#A'))
  expect(read).toMatchObject({ status: 200, body: { value: 'v', uri: 'yaml://secret/env#A' } })
  expect(records()).toMatchObject([
    { outcome: 'denied', detail: 'write', reason: 'ACCESS_DENIED', actor: { user: 'alice' } },
    {
      outcome: 'ok',
      detail: 'write',
      purpose: 'write',
      paths: ['yaml://secret/env#A'],
      actor: { user: 'alice', door: 'registry' },
      correlation: 'request-1',
      events: [{ event_type: 'SECRET_CREATED', correlation_id: 'request-1' }],
    },
    { outcome: 'ok', detail: 'value', events: [{ event_type: 'SECRET_READ' }] },
  ])
})

test('entries of the registry are secrets too, by their own paths', async () => {
  const home = await site()
  const { admin, ask } = home
  const user = await alice(home)
  await allowAlice(admin)
  await admin.set({ key: '/secret/db', value: '{"password":"p"}', type: 'json', encrypt: true })
  expect(await ask(user, 'value', uri('secreg://secret/db#password'))).toMatchObject({
    status: 200,
    body: { value: 'p', version: 1 },
  })
  expect(await ask(user, 'value', uri('secreg://other/db#password'))).toMatchObject({
    status: 400,
    body: { code: 'TENANT_MOUNT_MISMATCH' },
  })
  expect(await ask(user, 'write', write('secreg://secret/db#password', 'q'))).toMatchObject({
    status: 200,
  })
  // Reads are parts of what has left its record; a change has that of its commit beside it.
  const { records } = await admin.audit({ user: 'alice', limit: 100 })
  const about = records.filter(({ action }) => action !== 'auth').reverse()
  expect(about).toMatchObject([
    { action: 'secret', detail: 'value', paths: ['secreg://secret/db#password'] },
    { action: 'secret', detail: 'value', outcome: 'failed' },
    { paths: ['/secret/db'], correlation: about[3]?.correlation },
    { action: 'secret', detail: 'write', paths: ['secreg://secret/db#password'] },
  ])
  expect(about).toHaveLength(4)
  const found = await admin.audit({ key: '/secret/db', user: 'alice', limit: 100 })
  expect(found.records).toHaveLength(3)
})

test('entries under rules that oblige, or that are for a purpose, are there for this door alone', async () => {
  const home = await site()
  const { admin, ask } = home
  const user = await alice(home)
  const common = { effect: 'allow', principals: ['user:alice'], actions: ACTIONS }
  const often = { obligations: { ttlSeconds: 300, maxUses: 100 } }
  const rules = [
    { id: 'obliged', ...common, resources: ['/secret/obliged'], ...often },
    { id: 'used', ...common, resources: ['/secret/used'], when: { purpose: ['execute'] } },
  ]
  await admin.policy({ op: 'set', document: { id: 'secrets', rules } })
  for (const name of ['obliged', 'used']) {
    await admin.set({ key: `/secret/${name}`, value: '{"k":"v"}', type: 'json', encrypt: true })
    const answer = await ask(user, 'value', uri(`secreg://secret/${name}#k`))
    expect(answer, name).toMatchObject({ status: 200, body: { value: 'v' } })
    await expect(user.get({ key: `/secret/${name}`, decrypt: true })).rejects.toMatchObject({
      reason: 'ACCESS_DENIED',
    })
  }
  const written = await ask(user, 'write', write('secreg://secret/obliged#k', 'w'))
  expect(written).toMatchObject({ status: 200, body: { version: 2 } })
  expect((await ask(user, 'write', write('secreg://secret/used#k', 'w'))).status).toBe(403)
})

test('a change of policies ends what was granted by them', async () => {
  const home = await site()
  const { admin, ask } = home
  const user = await alice(home)
  await allowAlice(admin)
  await ask(user, 'write', write('yaml://secret/env#A', 'v'))
  for (let times = 0; times < 2; times++) {
    expect((await ask(user, 'value', uri('yaml://secret/env#A'))).status).toBe(200)
  }
  await admin.policy({ op: 'delete', policy: 'secrets' })
  expect((await ask(user, 'value', uri('yaml://secret/env#A'))).status).toBe(403)
})

test('what only a gateway may tell is refused on the registry socket', async () => {
  const { admin, connect } = await site({ requireAuth: false, authorization: false })
  const presented = { address: '192.0.2.7', method: 'GET', url: 'http://localhost/' }
  const request = { op: 'ask', route: 'value', presented } as const
  await expect(admin.request('secrets', request)).rejects.toMatchObject({
    reason: 'INVALID_ARGUMENT',
  })
  await expect((await connect()).request('secrets', request)).rejects.toMatchObject({
    reason: 'INVALID_ARGUMENT',
  })
})

test('nobody is anonymous where nobody need be anybody, and 401 elsewhere', async () => {
  const open = await site({ requireAuth: false, enforceScopes: false, authorization: false })
  const stranger = await open.connect()
  const written = await open.ask(stranger, 'write', write('yaml://secret/env#A', 'v'))
  expect(written.status).toBe(200)
  expect(open.records()).toMatchObject([{ outcome: 'ok', actor: { door: 'registry' } }])
  expect(open.lines.map(({ event }) => event)).toContain(
    'the Secrets API serves callers who show nothing: anonymous',
  )
  const closed = await site()
  const answer = await closed.ask(await closed.connect(), 'value', uri('yaml://secret/env#A'))
  expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  expect(answer.headers).toHaveProperty('WWW-Authenticate')
})

test('it is on, off and set up otherwise as the configuration says', async () => {
  const { admin, ask, configOf, daemon, yamlPath } = await site()
  await ask(admin, 'write', write('yaml://secret/env#A', 'v'))
  await daemon.configure(configOf(''))
  await expect(ask(admin, 'value', uri('yaml://secret/env#A'))).rejects.toMatchObject({
    reason: 'NOT_FOUND',
  })
  const mounts = new Map([['acme', new Set<string>()]])
  await daemon.configure(configOf(''), apiSettings({ yamlPath, mounts }))
  expect((await ask(admin, 'value', uri('yaml://secret/env#A'))).body.code).toBe(
    'TENANT_MOUNT_MISMATCH',
  )
})

test('sealed, it answers nothing', async () => {
  const { admin, ask } = await site()
  await admin.seal({ op: 'lock' })
  await expect(ask(admin, 'value', uri('yaml://secret/env#A'))).rejects.toMatchObject({
    reason: expect.stringMatching(/^(?:SEALED|SESSION_INVALID|AUTH_REQUIRED)$/),
  })
})

test('who waits for events does not hold up the end', async () => {
  const { admin, connect, daemon } = await site({ enforceScopes: false, authorization: false })
  const waiting = admin.request('secrets', { op: 'follow', wait: 15_000 })
  // Whether it is waiting by then or still on its way makes no difference.
  await (await connect()).status()
  const from = performance.now()
  await Promise.all([daemon.close(), waiting.catch(() => {})])
  expect(performance.now() - from).toBeLessThan(10_000)
})
