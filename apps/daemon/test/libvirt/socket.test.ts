/** The libvirt sockets of a daemon in this process. */
import { existsSync, lstatSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { LibvirtConnectionError, LibvirtError, writeCall } from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { RESERVED_BYTES } from '../../src/libvirt/libvirt-connection.ts'
import { ADMIN, PASSPHRASE, PASSWORD, runDaemon } from '../running-daemon.ts'
import { ALICE, SOCKETS, STRANGER, startSite, startWithAlice } from './site.ts'

const UUID = '11111111-1111-4111-8111-000000000001'
const VALUE = new TextEncoder().encode('open sesame')
const definition = { uuid: UUID, usage: { type: 'ceph', id: 'client.a' } } as const
const codeOf = async (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => 'ok',
    (error: unknown) => (LibvirtError.is(error) ? error.code : error),
  )

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.on('close', () => resolve()).resume())

test('serves whoever connects, as the account of his uid', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  const secret = await alice.define(definition)
  await secret.setValue(VALUE)
  expect(await secret.getValue()).toEqual(VALUE)
  for (const name of ['lv', 'lv-ro']) {
    expect(lstatSync(site.home.file(name)).mode & 0o777).toBe(0o600)
  }
  const { connections, buffer_bytes: bytes = 0 } = site.daemon.host.figures()
  expect(connections).toBe(2)
  expect(bytes).toBeGreaterThanOrEqual(RESERVED_BYTES)
  const text = await site.daemon.host.metricsText()
  expect(text).toContain('operations_total{door="libvirt",operation="get",outcome="ok"} 1')
  await alice.close()
  await waitFor(() => site.daemon.host.figures().connections === 1)
})

test('who has no right sees nothing and is told nothing', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  await (await alice.define(definition)).setValue(VALUE)
  const stranger = await site.open({ uid: STRANGER })
  expect(await stranger.list()).toEqual([])
  expect(await codeOf(stranger.getByUuid(UUID))).toBe(66)
  expect(await codeOf(stranger.getByUsage('ceph', 'client.a'))).toBe(66)
  expect(await codeOf(stranger.define(definition))).toBe(66)
})

test('the rule of the README lets a uid without an account do all that virsh can', async () => {
  const site = await startSite()
  const admin = await site.initialize()
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const text = /^```json\n(\{ "id": "libvirt"[\s\S]*?)^```/m.exec(readme)?.[1] ?? ''
  await admin.policy({ op: 'set', document: JSON.parse(text) })
  const root = await site.open({ uid: 0 })
  const events = root.events()
  await events.ready
  const secret = await root.define(definition)
  await root.define({ ...definition, description: 'again' })
  await secret.setValue(VALUE)
  expect(await secret.getValue()).toEqual(VALUE)
  expect((await root.getByUsage('ceph', 'client.a')).uuid).toBe(UUID)
  expect(await root.list()).toHaveLength(1)
  await secret.undefine()
  expect(await root.list()).toEqual([])
  const seen: string[] = []
  for await (const event of events) {
    seen.push(event.type === 'lifecycle' ? event.event : event.type)
    if (seen.length === 4) break
  }
  expect(seen).toEqual(['defined', 'defined', 'value-changed', 'undefined'])
})

test('the read-only socket changes nothing and gives no value, whoever asks', async () => {
  const site = await startWithAlice()
  await (await (await site.open({ uid: ALICE })).define(definition)).setValue(VALUE)
  const reader = await site.open({ uid: ALICE, readOnly: true })
  const secret = await reader.getByUuid(UUID)
  expect((await secret.describe()).usage.id).toBe('client.a')
  for (const refused of [secret.getValue(), secret.setValue(VALUE), secret.undefine()]) {
    expect(await codeOf(refused)).toBe(29)
  }
})

test('private values leave for nobody, unless the configuration says so and policy gives the right', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  const secret = await alice.define({ ...definition, private: true })
  await secret.setValue(VALUE)
  const admin = await site.connect()
  await admin.auth({ username: ADMIN, password: PASSWORD })
  expect(await codeOf(secret.getValue())).toBe(65)
  const rule = { id: 'r', effect: 'allow', principals: ['user:alice'], actions: ['use-internal'] }
  const document = { id: 'internal', rules: [{ ...rule, resources: ['/libvirt/**'] }] }
  await admin.policy({ op: 'set', document })
  expect(await codeOf(secret.getValue())).toBe(65)
  await site.daemon.configure(site.configOf(`${SOCKETS}libvirt.private_values = true`))
  expect(await codeOf(secret.getValue())).toBe(65)
  // It holds for connections from then on.
  const again = await (await site.open({ uid: ALICE })).getByUuid(UUID)
  expect(await again.getValue()).toEqual(VALUE)
  await admin.policy({ op: 'delete', policy: 'internal' })
  expect(await codeOf(again.getValue())).toBe(65)
})

test('what an account may do changes while it is connected', async () => {
  const site = await startWithAlice()
  const admin = await site.connect()
  await admin.auth({ username: ADMIN, password: PASSWORD })
  const alice = await site.open({ uid: ALICE })
  const secret = await alice.define(definition)
  await admin.user({ op: 'disable', user: 'alice' })
  expect(await codeOf(secret.toXML())).toBe(66)
  await admin.user({ op: 'enable', user: 'alice' })
  expect(await codeOf(secret.toXML())).toBe('ok')
  await admin.policy({ op: 'delete', policy: 'libvirt' })
  expect(await codeOf(secret.toXML())).toBe(66)
})

test('connections of one user that do not ask for secrets are few, and take nobody else’s place', async () => {
  const site = await startWithAlice('libvirt.max_unopened = 2\nlibvirt.open_timeout = 3600')
  const idle = [site.raw(STRANGER), site.raw(STRANGER)]
  await waitFor(() => site.daemon.host.figures().connections === 3)
  await closed(site.raw(STRANGER))
  await (await site.open({ uid: ALICE })).list()
  // One that asks is no longer one of them.
  const sent = writeCall('connectOpen', { name: 'secret:///system', flags: 0 }, 0)
  idle[0]?.write(sent)
  await new Promise((resolve) => idle[0]?.once('data', resolve))
  const more = site.raw(STRANGER)
  await waitFor(() => site.daemon.host.figures().connections === 5)
  more.destroy()
  idle[1]?.destroy()
  await waitFor(() => site.daemon.host.figures().connections === 3)
})

test('one that never asks is closed after its time', async () => {
  const site = await startSite('libvirt.open_timeout = 1')
  const since = performance.now()
  await closed(site.raw())
  expect(performance.now() - since).toBeGreaterThan(900)
})

test.each([
  ['of one user', 'limits.max_connections_per_uid = 3'],
  ['in all', 'libvirt.max_connections = 3'],
])('connections %s are limited, on both sockets together', async (_, line) => {
  const site = await startSite(line)
  const open = [await site.open(), await site.open({ readOnly: true }), await site.open()]
  await expect(site.open({ readOnly: true })).rejects.toSatisfy((error) =>
    LibvirtConnectionError.is(error),
  )
  await open[0]?.close()
  await waitFor(() =>
    site.open().then(
      () => true,
      () => false,
    ),
  )
})

test('limits of a reloaded configuration hold for connections from then on', async () => {
  const site = await startSite()
  const first = await site.open()
  const next = 'libvirt.socket = "HOME/elsewhere"\nlibvirt.max_connections = 1'
  await site.daemon.configure(site.configOf(next))
  expect(site.lines.filter(({ level }) => level === 'warn').at(-1)).toMatchObject({
    event: 'a key of libvirt has changed: it holds from the next start on',
    detail: 'libvirt.socket_read_only',
  })
  expect(await first.count()).toBe(0)
  await closed(site.raw())
})

test('when it stops, what is under way is answered and the rest is closed', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  const secret = await alice.define(definition)
  const idle = closed(site.raw(ALICE))
  await waitFor(() => site.daemon.host.figures().connections === 3)
  let isOver = false
  const setting = codeOf(secret.setValue(new Uint8Array(60_000))).finally(() => {
    isOver = true
  })
  // It may be quicker than anybody can look.
  await waitFor(() => isOver || (site.daemon.host.figures().buffer_bytes ?? 0) > 60_000)
  await site.daemon.close()
  expect(await setting).toBe('ok')
  await idle
  expect(existsSync(site.home.file('lv'))).toBe(false)
})

test('what a client does not take counts against the budget of all, and is little', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  await (await alice.define(definition)).setValue(new Uint8Array(60_000).fill(1))
  const greedy = site.raw(ALICE)
  const end = closed(greedy)
  greedy.pause()
  greedy.write(writeCall('connectOpen', { name: '', flags: 0 }, 0))
  const secret = { uuid: UUID, usageType: 0, usageId: '' }
  const calls = Array.from({ length: 60 }, (_, at) =>
    writeCall('secretGetValue', { secret, flags: 0 }, at + 1),
  )
  greedy.write(Buffer.concat(calls))
  await waitFor(() => (site.daemon.host.figures().buffer_bytes ?? 0) > 60_000)
  expect(await alice.count()).toBe(1)
  expect(site.daemon.host.figures().buffer_bytes).toBeLessThan(1_000_000)
  greedy.destroy()
  await end
  await waitFor(() => (site.daemon.host.figures().buffer_bytes ?? 0) < 60_000)
})

test('a registry that takes the place of another is the one that is asked, and watches of the old one end', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  await alice.define(definition)
  const events = alice.events()
  await events.ready
  const admin = await site.connect()
  await admin.auth({ username: ADMIN, password: PASSWORD })
  const again = { passphrase: PASSPHRASE, admin: ADMIN, admin_password: PASSWORD }
  await admin.seal({ op: 'init', force: true, ...again })
  // It could not know what it misses.
  await alice.closed
  expect(await (await site.open({ uid: ALICE })).list()).toEqual([])
})

test('where the kernel cannot be asked, nothing starts', async () => {
  const kernel = { problem: 'no native part', credentialsOf: () => undefined }
  for (const key of ['libvirt.socket', 'libvirt.socket_read_only']) {
    await expect(runDaemon(`${key} = "HOME/lv"`, { kernel })).rejects.toThrow(
      `${key}: no native part`,
    )
  }
})
