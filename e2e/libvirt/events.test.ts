/** Events of secrets as virsh tells them, while somebody else changes the secrets. */
import type { SecretRegistry } from '@secreg/libvirt'
import { type Child, waitFor } from '@secreg/testkit'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import { LibvirtTap } from '../lib/libvirt-tap.ts'
import { requireVirsh, uriOf, Virsh } from '../lib/libvirt-virsh.ts'
import type { StartedSite } from '../lib/site.ts'

const UUID = '44444444-4444-4444-8444-000000000001'
const OTHER = '44444444-4444-4444-8444-000000000002'
const VALUE = new TextEncoder().encode('v1')

const told = (event: string, uuid: string, what = ''): string =>
  `event '${event}' for secret ${uuid}${what}\n`
const defined = (uuid: string): string => told('lifecycle', uuid, ': Defined')
const undefinedOf = (uuid: string): string => told('lifecycle', uuid, ': Undefined')
const changed = (uuid: string): string => told('value-changed', uuid)

let running: Promise<StartedSite<LibvirtSite>> | undefined
let taps = 0
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function stage(context: TestContext) {
  const program = requireVirsh(context)
  running ??= startLibvirtSite(context, { libvirt: 'keepalive_interval = 1' })
  const { daemon, site } = await running
  const tap = await LibvirtTap.listen(site.home.file(`tap${taps++}`), site.door)
  context.onTestFinished(() => tap[Symbol.dispose]())
  const virsh = new Virsh(program, site.home.path, uriOf(site.door))
  const registry = await site.connect()
  context.onTestFinished(async () => {
    await registry.close()
    // The daemon may be another one now.
    await using last = await site.connect()
    for (const secret of await last.list()) await secret.undefine()
  })
  return { daemon, site, registry, tap, virsh, tapped: virsh.at(uriOf(tap.path)) }
}

/** Wait until it listens. */
async function listening(tap: LibvirtTap, count: number): Promise<void> {
  await waitFor(() => tap.replies('connectSecretEventRegisterAny') === count, {
    what: 'virsh to listen',
  })
}

/** Wait until a command has told everything, interrupt it as a person does, and give all that it has told. */
async function interrupted(child: Child, text: string): Promise<string> {
  await waitFor(() => child.stdout().length >= text.length, { what: 'virsh to tell events' })
  child.signal('SIGINT')
  expect(await child.exit).toEqual({ code: 0, signal: null })
  expect(child.stderr()).toBe('')
  return child.stdout()
}

const define = (registry: SecretRegistry, uuid = UUID) =>
  registry.define({ uuid, ephemeral: true, usage: { type: 'tls', id: `ev ${uuid}` } })

test('both kinds, until interrupted', async (context) => {
  const { registry, tap, tapped } = await stage(context)
  const lifecycle = tapped.start('secret-event', '--event', 'lifecycle', '--loop')
  const values = tapped.start('secret-event', '--event', 'value-changed', '--loop')
  await listening(tap, 2)
  const secret = await define(registry)
  await secret.setValue(VALUE)
  // An equal value is a change too, and a redefinition a definition.
  await secret.setValue(VALUE)
  await define(registry)
  await secret.undefine()
  const lives = defined(UUID) + defined(UUID) + undefinedOf(UUID)
  expect(await interrupted(lifecycle, lives)).toBe(
    `${lives}event loop interrupted\nevents received: 3\n\n`,
  )
  const changes = changed(UUID).repeat(2)
  expect(await interrupted(values, changes)).toBe(
    `${changes}event loop interrupted\nevents received: 2\n\n`,
  )
})

test('one event is enough without --loop', async (context) => {
  const { registry, tap, tapped } = await stage(context)
  const child = tapped.start('secret-event', '--event', 'lifecycle')
  await listening(tap, 1)
  await define(registry)
  expect(await child.exit).toEqual({ code: 0, signal: null })
  expect(child.stdout()).toBe(`${defined(UUID)}events received: 1\n\n`)
  expect(tap.replies('connectSecretEventDeregisterAny')).toBe(1)
})

test('of one secret, also when that has been another meanwhile', async (context) => {
  const { registry, tap, tapped } = await stage(context)
  const secret = await define(registry)
  const lifecycle = tapped.start('secret-event', UUID, '--event', 'lifecycle', '--loop')
  const line = ['secret-event', UUID, '--event', 'value-changed', '--loop', '--timestamp']
  const values = tapped.start(...line)
  await listening(tap, 2)
  const other = await define(registry, OTHER)
  await other.setValue(VALUE)
  await other.undefine()
  await secret.setValue(VALUE)
  await secret.undefine()
  await (await define(registry)).setValue(VALUE)
  const lives = undefinedOf(UUID) + defined(UUID)
  expect(await interrupted(lifecycle, lives)).toBe(
    `${lives}event loop interrupted\nevents received: 2\n\n`,
  )
  const stamp = '2000-01-01 00:00:00.000+0000: '
  const stamped = `${stamp}${changed(UUID)}`.repeat(2)
  const text = await interrupted(values, stamped)
  expect(text.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: /gm, stamp)).toBe(
    `${stamped}event loop interrupted\nevents received: 2\n\n`,
  )
})

test('nothing within the time given; meanwhile each side asks whether the other is there', async (context) => {
  const { tap, tapped } = await stage(context)
  const line = ['secret-event', '--event', 'lifecycle', '--loop', '--timeout', '3']
  // Only a client that is silent for longer than the daemon's interval is asked.
  const [silent, asking] = await Promise.all([
    tapped.run('-k', '0', ...line),
    tapped.run('-k', '1', '-K', '3', ...line),
  ])
  const nothing = { code: 1, stdout: 'event loop timed out\nevents received: 0\n\n', stderr: '' }
  expect([silent, asking]).toEqual([nothing, nothing])
  for (const [one, other] of [
    ['server', 'client'],
    ['client', 'server'],
  ] as const) {
    const answers = tap.keepalive(other, 'pong')
    expect(answers).toBeGreaterThan(0)
    // A question that comes as virsh goes has no answer.
    expect(tap.keepalive(one, 'ping') - answers).toBeLessThanOrEqual(1)
  }
})

test('a daemon that says nothing is given up', async (context) => {
  const { daemon, tap, tapped, virsh } = await stage(context)
  const line = ['-k', '1', '-K', '1', 'secret-event', '--event', 'lifecycle', '--loop']
  const child = tapped.start(...line)
  await listening(tap, 1)
  daemon.signal('SIGSTOP')
  try {
    await waitFor(() => /due to keepalive timeout/.test(child.stderr()))
  } finally {
    daemon.signal('SIGCONT')
  }
  await child.kill()
  expect(await virsh.ok('secret-list')).toMatch(/UUID/)
})

test('a daemon that ends does not wait for who listens, and virsh tells of it', async (context) => {
  const { daemon, site, tap, tapped, virsh } = await stage(context)
  const child = tapped.start('secret-event', '--event', 'lifecycle', '--loop')
  await listening(tap, 1)
  expect(await daemon.kill('SIGTERM', 5_000)).toEqual({ code: 0, signal: null })
  await waitFor(() => /Disconnected from .* due to end of file/.test(child.stderr()))
  await child.kill()
  await site.start()
  expect(await virsh.ok('secret-list')).toMatch(/UUID/)
})
