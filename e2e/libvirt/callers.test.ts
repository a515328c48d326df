/** Who a caller is, by the word of the kernel, and what he may do by policy: at the sockets as at every other door. */
import { LibvirtError, type SecretRegistry } from '@secreg/libvirt'
import { connectLibvirt } from '@secreg/libvirt/node'
import { createCanary, findCanary, type SkippableContext, waitFor } from '@secreg/testkit'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { startAsUser } from '../lib/as-user.ts'
import { codeOf } from '../lib/authenticator.ts'
import { ok as sreg } from '../lib/backups.ts'
import { allowUid, EVERYTHING, type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import { OTHER_UID, requireOtherUser } from '../lib/other-user.ts'
import { type AuditLine, PASSWORD, type StartedSite } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

const OPEN = '88888888-8888-4888-8888-000000000001'
const HIDDEN = '88888888-8888-4888-8888-000000000002'
const EMPTY = '88888888-8888-4888-8888-000000000003'
const MISSING = '88888888-8888-4888-8888-000000000009'
const USAGE = { type: 'volume', id: '/dev/vg/data' } as const
const VALUE = createCanary('value')

const LOOKING = ['list', 'read-metadata', 'watch']
const READING = [...LOOKING, 'read', 'decrypt']

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

/** A daemon with three secrets, and the administrator's connection. */
async function started(context: SkippableContext): Promise<StartedSite<LibvirtSite>> {
  const site = await startLibvirtSite(context)
  await using registry = await site.site.connect()
  const open = await registry.define({ uuid: OPEN, usage: USAGE })
  await open.setValue(Buffer.from(VALUE))
  const hidden = await registry.define({ uuid: HIDDEN, private: true })
  await hidden.setValue(Buffer.from(VALUE))
  await registry.define({ uuid: EMPTY })
  return site
}

async function stage(context: TestContext) {
  await requireOtherUser(context)
  running ??= started(context)
  const { admin, site } = await running
  let uid = OTHER_UID + 100 * ++stages
  /** A process of a user of whom nothing is known, and its connection. */
  const stranger = async () => {
    const own = uid++
    const process = await startAsUser(site.home, site.door, { cwd: '/', uid: own, gid: own })
    context.onTestFinished(() => process[Symbol.asyncDispose]())
    const connect = () => connectLibvirt({ socket: process.path })
    const registry = await connect()
    context.onTestFinished(() => registry.close())
    return { connect, registry, uid: own }
  }
  return { admin, site, stranger }
}

let stages = 0

/** What a call is refused with. */
async function refusalOf(call: Promise<unknown>): Promise<number | 'nothing'> {
  try {
    await call
    return 'nothing'
  } catch (error) {
    if (LibvirtError.is(error)) return error.code
    throw error
  }
}

/** Have the daemon take another configuration. */
async function reconfigure(site: LibvirtSite, libvirt: string): Promise<void> {
  const daemon = site.children.at(-1)
  const times = (): number => daemon?.stderr().split('configuration reloaded').length ?? 0
  const before = times()
  site.configure({ libvirt })
  daemon?.signal('SIGHUP')
  await waitFor(() => times() > before, { what: 'the daemon to take its configuration' })
}

/** What somebody sees, and what each call about one secret comes to. */
async function whatOf(registry: SecretRegistry, uuid: string) {
  const handle = await registry.getByUuid(uuid).catch(() => undefined)
  if (handle === undefined) return 66
  return {
    xml: await refusalOf(handle.toXML()),
    value: await refusalOf(handle.getValue()),
    set: await refusalOf(handle.setValue(Buffer.from('x'))),
    define: await refusalOf(registry.define({ uuid, description: 'changed' })),
    undefine: await refusalOf(handle.undefine()),
  }
}

test('one of whom no policy speaks sees nothing, and cannot tell what is there from what is not', async (context) => {
  const { stranger } = await stage(context)
  const { registry } = await stranger()
  expect(await registry.count()).toBe(0)
  expect(await registry.list()).toEqual([])
  expect(await registry.listUuids()).toEqual([])
  const told = async (call: (uuid: string) => Promise<unknown>): Promise<void> => {
    const [there, missing] = await Promise.all(
      [OPEN, MISSING].map(async (uuid) => {
        const error = await call(uuid).catch((refusal: unknown) => refusal)
        if (!LibvirtError.is(error)) throw new Error('it was not refused')
        return [error.code, error.domain, error.message.replaceAll(uuid, 'UUID')]
      }),
    )
    expect(there).toEqual(missing)
    expect(there?.[0]).toBe(66)
  }
  await told((uuid) => registry.getByUuid(uuid))
  await told((uuid) => registry.define({ uuid }))
  await told((uuid) => registry.define({ uuid, usage: USAGE }))
  expect(await refusalOf(registry.getByUsage(USAGE.type, USAGE.id))).toBe(66)
  expect(await refusalOf(registry.define({ usage: USAGE }))).toBe(66)
  expect(await refusalOf(registry.define({}))).toBe(66)
})

test('one who may only look is told that the rest is denied', async (context) => {
  const { admin, stranger } = await stage(context)
  const { registry, uid } = await stranger()
  await allowUid(admin, uid, LOOKING)
  expect(await registry.listUuids()).toEqual([OPEN, HIDDEN, EMPTY])
  expect((await registry.getByUsage(USAGE.type, USAGE.id)).uuid).toBe(OPEN)
  const denied = { set: 88, define: 88, undefine: 88 }
  expect(await whatOf(registry, OPEN)).toEqual({ xml: 'nothing', value: 88, ...denied })
  // Of one that is private nobody is told more than that, and of none whether it has a value.
  expect(await whatOf(registry, HIDDEN)).toEqual({ xml: 'nothing', value: 65, ...denied })
  expect(await whatOf(registry, EMPTY)).toEqual({ xml: 'nothing', value: 88, ...denied })
  expect(await whatOf(registry, MISSING)).toBe(66)
  expect(await refusalOf(registry.define({}))).toBe(88)
})

test('one who may read gets values, but private ones only where the configuration and a right of its own say so', async (context) => {
  const { admin, site, stranger } = await stage(context)
  const { connect, registry, uid } = await stranger()
  const secretValue = async (from: SecretRegistry, uuid: string): Promise<string> =>
    Buffer.from(await (await from.getByUuid(uuid)).getValue()).toString()
  await allowUid(admin, uid, READING)
  expect(await secretValue(registry, OPEN)).toBe(VALUE)
  expect(await refusalOf(secretValue(registry, EMPTY))).toBe(66)
  const open = await registry.getByUuid(OPEN)
  expect(await refusalOf(open.setValue(Buffer.from('x')))).toBe(88)
  expect(await refusalOf(secretValue(registry, HIDDEN))).toBe(65)
  await allowUid(admin, uid, [...READING, 'use-internal'])
  expect(await refusalOf(secretValue(registry, HIDDEN))).toBe(65)
  await reconfigure(site, 'private_values = true')
  try {
    await using next = await connect()
    expect(await secretValue(next, HIDDEN)).toBe(VALUE)
    await allowUid(admin, uid, READING)
    expect(await refusalOf(secretValue(next, HIDDEN))).toBe(65)
    expect(await secretValue(next, OPEN)).toBe(VALUE)
  } finally {
    await reconfigure(site, '')
  }
})

test('rules in the words of libvirt, for some secrets alone', async (context) => {
  const { admin, stranger } = await stage(context)
  const { registry, uid } = await stranger()
  const document = {
    id: `libvirt-${uid}`,
    source: 'libvirt',
    principals: [`uid:${uid}`],
    mount: '/libvirt',
    rules: [
      { permissions: ['connect:getattr', 'connect:search-secrets'] },
      { permissions: ['secret:getattr', 'secret:read', 'secret:read-secure'], secrets: [OPEN] },
      { permissions: ['secret:getattr', 'secret:read'], secrets: [EMPTY] },
    ],
  }
  await admin.ok('policy', { op: 'set', document })
  expect(await registry.listUuids()).toEqual([OPEN, EMPTY])
  const denied = { set: 88, define: 88, undefine: 88 }
  expect(await whatOf(registry, OPEN)).toEqual({ xml: 'nothing', value: 'nothing', ...denied })
  expect(await whatOf(registry, EMPTY)).toEqual({ xml: 'nothing', value: 88, ...denied })
  expect(await whatOf(registry, HIDDEN)).toBe(66)
})

test('the account of a uid is who he is, for as long as it is his and stands', async (context) => {
  const { admin, stranger } = await stage(context)
  const { registry, uid, connect } = await stranger()
  const user = `web${uid}`
  await admin.ok('user', { op: 'add', user, uids: [uid] })
  const rule = { id: 'r', effect: 'allow', principals: [`user:${user}`] }
  const rules = [{ ...rule, actions: READING, resources: ['/libvirt', '/libvirt/*'] }]
  await admin.ok('policy', { op: 'set', document: { id: user, rules } })
  const open = await registry.getByUuid(OPEN)
  const seesAll = async (): Promise<void> => {
    expect(await registry.count()).toBe(3)
    expect(Buffer.from(await open.getValue()).toString()).toBe(VALUE)
  }
  const seesNothing = async (): Promise<void> => {
    expect(await registry.count()).toBe(0)
    expect(await refusalOf(open.getValue())).toBe(66)
    await using another = await connect()
    expect(await another.count()).toBe(0)
  }
  await seesAll()
  await admin.ok('user', { op: 'disable', user })
  await seesNothing()
  await admin.ok('user', { op: 'enable', user })
  await seesAll()
  await admin.ok('user', { op: 'uids', user, uids: [] })
  await seesNothing()
  await admin.ok('user', { op: 'uids', user, uids: [uid] })
  await seesAll()
  await admin.ok('policy', { op: 'delete', policy: user })
  await seesNothing()
})

test('whom the word of the kernel would not log in is nobody, whatever his uid may do', async (context) => {
  const { admin, site, stranger } = await stage(context)
  const { connect, registry, uid } = await stranger()
  await allowUid(admin, uid, EVERYTHING)
  expect(await registry.count()).toBe(3)
  const user = `second${uid}`
  await admin.ok('user', { op: 'add', user, password: PASSWORD, uids: [uid] })
  expect(await registry.count()).toBe(3)
  // From now on he has a second factor, and nobody at this socket asks for it.
  using wire = await Wire.login(site.socket, user, PASSWORD)
  const { secret } = await wire.ok('mfa', { op: 'begin', password: PASSWORD })
  await wire.ok('mfa', { op: 'confirm', code: codeOf(secret) })
  expect(await registry.count()).toBe(0)
  expect(await refusalOf(registry.define({ ephemeral: true }))).toBe(66)
  await using next = await connect()
  expect(await next.count()).toBe(0)
})

test('a change of policy takes hold of a connection that is open, of its events too', async (context) => {
  const { admin, site, stranger } = await stage(context)
  await using own = await site.connect()
  const { registry, uid } = await stranger()
  const seen: string[] = []
  const listen = () =>
    registry.on('lifecycle', {}, ({ event, secret }) => seen.push(`${event} ${secret.uuid}`))
  expect(await refusalOf(listen())).toBe(88)
  await allowUid(admin, uid, LOOKING, ['/libvirt', `/libvirt/${OPEN}`])
  await listen()
  await own.define({ uuid: EMPTY })
  await own.define({ uuid: OPEN, usage: USAGE })
  await waitFor(() => seen.length > 0)
  expect(seen).toEqual([`defined ${OPEN}`])
  expect(await registry.listUuids()).toEqual([OPEN])
  await admin.ok('policy', { op: 'delete', policy: `uid-${uid}` })
  await own.define({ uuid: OPEN, usage: USAGE })
  expect(await registry.count()).toBe(0)
  await allowUid(admin, uid, EVERYTHING)
  const made = await registry.define({ ephemeral: true })
  await made.undefine()
  await waitFor(() => seen.length === 3)
  expect(seen.slice(1)).toEqual([`defined ${made.uuid}`, `undefined ${made.uuid}`])
})

test('sreg sees the same entry, and the log says who asked, but never a value', async (context) => {
  const { admin, site, stranger } = await stage(context)
  const { registry, uid } = await stranger()
  await allowUid(admin, uid, EVERYTHING)
  const before = site.records().length
  const value = createCanary('logged')
  const secret = await registry.define({ usage: { type: 'ceph', id: 'client.log' } })
  const key = `/libvirt/${secret.uuid}`
  await secret.setValue(Buffer.from(value))
  await secret.getValue()
  await refusalOf((await registry.getByUuid(HIDDEN)).getValue())
  expect(await sreg(site, ['get', key, '--decrypt', '--raw'])).toBe(value)
  expect(await sreg(site, ['list', '/libvirt'])).toContain(secret.uuid)
  expect(JSON.parse(await sreg(site, ['get', key, '--json']))).toMatchObject({ encrypted: true })
  await secret.undefine()
  const told = JSON.parse(await sreg(site, ['audit', '--door', 'libvirt', '--key', key, '--json']))
  expect(told.records.length).toBeGreaterThanOrEqual(4)

  const made = site.records().slice(before)
  const ofDoor = made.filter(({ body }) => body.actor.door === 'libvirt')
  for (const { body } of ofDoor) {
    expect(body.actor).toMatchObject({ uid, proof: 'kernel', principal: `uid:${uid}` })
  }
  const of =
    (path: string) =>
    ({ body }: AuditLine) =>
      body.paths.includes(path)
  const outcomes = (path: string): string[] =>
    ofDoor.filter(of(path)).map(({ body }) => `${body.action} ${body.outcome}`)
  expect(outcomes(key)).toEqual(['write ok', 'write ok', 'decrypt ok', 'purge ok'])
  expect(outcomes(`/libvirt/${HIDDEN}`)).toContain('decrypt denied')
  expect(findCanary(value, site.audit)).toEqual([])
})
