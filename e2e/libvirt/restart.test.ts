/**
 * What is left of secrets when the daemon ends, well or ill: everything of those that are kept, nothing of those that are
 * ephemeral. Durability class of every change: synced; of what is ephemeral: none.
 */
import { readFileSync } from 'node:fs'
import { NoSecretError, type SecretDefinition, type SecretRegistry } from '@secreg/libvirt'
import { createCanary, findCanary } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { offline, takeBackup } from '../lib/backup.ts'
import { ok as sreg } from '../lib/backups.ts'
import { LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import { PASSPHRASE, readLog } from '../lib/site.ts'

const KEPT = '77777777-7777-4777-8777-000000000001'
const HIDDEN = '77777777-7777-4777-8777-000000000002'
const GONE = '77777777-7777-4777-8777-000000000003'
const OTHER = '77777777-7777-4777-8777-000000000004'
const VALUE = Buffer.from(Array.from({ length: 65_536 }, (_, at) => (at * 31 + (at >> 8)) & 0xff))

const SIGNALS = ['SIGTERM', 'SIGKILL'] as const

/** End the daemon and start the next one. */
async function anew(site: LibvirtSite, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await site.children.at(-1)?.kill(signal)
  await site.start()
  expect(readLog(site.audit).torn).toBe('')
}

const describeAll = async (registry: SecretRegistry): Promise<SecretDefinition[]> =>
  Promise.all((await registry.list()).map((secret) => secret.describe()))

const secretValue = async (registry: SecretRegistry, uuid: string): Promise<Buffer> =>
  Buffer.from(await (await registry.getByUuid(uuid)).getValue())

test.for(SIGNALS)(
  'after %s, those that are kept are as they were, and the ephemeral ones are gone',
  async (signal, context) => {
    await using running = await startLibvirtSite(context)
    const { site } = running
    const before = await site.connect()
    const description = 'é <&> \'"'
    const kept = await before.define({
      uuid: KEPT,
      description,
      usage: { type: 'volume', id: '/dev/vg/a b' },
    })
    await kept.setValue(Buffer.from('first'))
    await kept.setValue(VALUE)
    const made = await before.define({ usage: { type: 'ceph', id: 'client.é' } })
    const hidden = await before.define({ uuid: HIDDEN, private: true })
    await hidden.setValue(VALUE)
    const gone = await before.define({
      uuid: GONE,
      ephemeral: true,
      usage: { type: 'tls', id: 'for a while' },
    })
    await gone.setValue(VALUE)
    const undefinedOne = await before.define({ usage: { type: 'iscsi', id: 'taken back' } })
    await undefinedOne.setValue(VALUE)
    await undefinedOne.undefine()
    const was = (await describeAll(before)).filter(({ ephemeral }) => !ephemeral)
    expect(was.map(({ uuid }) => uuid)).toEqual([KEPT, HIDDEN, made.uuid].sort())

    await anew(site, signal)
    await before.closed
    await using after = await site.connect()
    expect(await describeAll(after)).toEqual(was)
    expect(await secretValue(after, KEPT)).toEqual(VALUE)
    expect(await secretValue(after, HIDDEN)).toEqual(VALUE)
    expect(await after.count()).toBe(3)
    await expect(secretValue(after, made.uuid)).rejects.toThrow(/does not have a value/)
    for (const look of [
      () => after.getByUuid(GONE),
      () => after.getByUuid(undefinedOne.uuid),
      () => after.getByUsage('tls', 'for a while'),
      () => after.getByUsage('iscsi', 'taken back'),
    ]) {
      await expect(look()).rejects.toThrow(NoSecretError)
    }
    // What they were for is free, and what is kept has its own.
    await after.define({ usage: { type: 'tls', id: 'for a while' } })
    await expect(after.define({ usage: { type: 'ceph', id: 'client.é' } })).rejects.toThrow(
      `a secret with UUID ${made.uuid} already defined for use with client.é`,
    )
  },
)

test('kill -9 at the answer of every change, and it was done', async (context) => {
  await using running = await startLibvirtSite(context)
  const { site } = running
  const changes: readonly [
    change: (registry: SecretRegistry) => Promise<unknown>,
    holds: (registry: SecretRegistry) => Promise<unknown>,
    expected: unknown,
  ][] = [
    [
      (registry) => registry.define({ uuid: KEPT, usage: { type: 'tls', id: 'a' } }),
      async (registry) => (await registry.getByUsage('tls', 'a')).uuid,
      KEPT,
    ],
    [
      async (registry) => (await registry.getByUuid(KEPT)).setValue(Buffer.from('v')),
      (registry) => secretValue(registry, KEPT),
      Buffer.from('v'),
    ],
    [
      (registry) =>
        registry.define({ uuid: KEPT, description: 'd', usage: { type: 'tls', id: 'a' } }),
      async (registry) => [await describeAll(registry), await secretValue(registry, KEPT)],
      [
        [
          {
            uuid: KEPT,
            description: 'd',
            usage: { type: 'tls', id: 'a' },
            ephemeral: false,
            private: false,
          },
        ],
        Buffer.from('v'),
      ],
    ],
    [
      async (registry) => (await registry.getByUuid(KEPT)).undefine(),
      (registry) => registry.count(),
      0,
    ],
  ]
  for (const [change, holds, expected] of changes) {
    const registry = await site.connect()
    await change(registry)
    await anew(site, 'SIGKILL')
    await using after = await site.connect()
    expect(await holds(after)).toEqual(expected)
  }
})

test.for(SIGNALS)(
  'what was kept and is made ephemeral leaves nothing behind %s; the other way round all of it stays',
  async (signal, context) => {
    await using running = await startLibvirtSite(context)
    const { site } = running
    const usages = {
      kept: { type: 'ceph', id: 'kept' },
      gone: { type: 'ceph', id: 'gone' },
    } as const
    const before = await site.connect()
    const note = createCanary('note')
    const gone = await before.define({ uuid: GONE, description: note, usage: usages.gone })
    await gone.setValue(VALUE)
    const kept = await before.define({ uuid: KEPT, usage: usages.kept, ephemeral: true })
    await kept.setValue(VALUE)
    // Once more, after what was kept has been written by a daemon that has ended.
    await before.close()
    const again = await site.connect()
    await again.define({ uuid: GONE, description: note, usage: usages.gone, ephemeral: true })
    await again.define({ uuid: KEPT, usage: usages.kept })
    expect(await secretValue(again, GONE)).toEqual(VALUE)
    expect(findCanary(note, site.home.path)).toEqual([])
    await anew(site, signal)
    await using after = await site.connect()
    expect((await after.list()).map(({ uuid }) => uuid)).toEqual([KEPT])
    expect(await secretValue(after, KEPT)).toEqual(VALUE)
    await expect(after.getByUuid(GONE)).rejects.toThrow(NoSecretError)
    await after.define({ usage: usages.gone })
  },
)

test('nothing of an ephemeral secret is in any file, export or backup', async (context) => {
  await using running = await startLibvirtSite(context, { config: '[log]\nlevel = "trace"' })
  const { admin, daemon, site } = running
  const canaries = {
    value: createCanary('value'),
    'earlier value': createCanary('value'),
    'value of a private one': createCanary('value'),
    'value of one that was kept': createCanary('value'),
    description: createCanary('description'),
    usage: createCanary('usage'),
  }
  const plain = createCanary('kept')
  const registry = await site.connect()
  const usage = { type: 'tls', id: canaries.usage } as const
  const definition = { description: canaries.description, ephemeral: true, usage }
  const secret = await registry.define({ uuid: GONE, ...definition })
  await secret.setValue(Buffer.from(canaries['earlier value']))
  await secret.setValue(Buffer.from(canaries.value))
  const hidden = await registry.define({ ephemeral: true, private: true })
  await hidden.setValue(Buffer.from(canaries['value of a private one']))
  const kept = await registry.define({ uuid: KEPT, description: plain })
  await kept.setValue(Buffer.from(canaries['value of one that was kept']))
  await registry.define({ uuid: KEPT, description: plain, ephemeral: true })
  const lasting = await registry.define({ uuid: OTHER, description: plain })
  await lasting.setValue(VALUE)
  await registry.getByUsage('tls', canaries.usage)
  await expect(registry.define({ usage })).rejects.toThrow(GONE)
  expect(await secretValue(registry, GONE)).toEqual(Buffer.from(canaries.value))

  const expectNothing = (): void => {
    for (const [what, canary] of Object.entries(canaries)) {
      expect(findCanary(canary, site.home.path), what).toEqual([])
    }
    // The search itself works: what is kept is found.
    expect(findCanary(plain, site.data).length).toBeGreaterThan(0)
  }
  expectNothing()
  const { entries } = await admin.ok('export', { prefix: '/', with_secrets: true })
  const text = await sreg(site, ['export', '--with-secrets'])
  for (const exported of [JSON.stringify(entries), text]) {
    expect(exported).toContain(OTHER)
    for (const nothing of [GONE, KEPT, hidden.uuid, ...Object.values(canaries)]) {
      expect(exported).not.toContain(nothing)
    }
  }
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  expectNothing()
  await daemon.kill('SIGKILL')
  expectNothing()
  expect(daemon.stdout() + daemon.stderr()).not.toMatch(
    new RegExp(Object.values(canaries).join('|')),
  )

  await using other = new LibvirtSite()
  other.home.write('key', readFileSync(site.home.file('key')))
  const restored = await offline(['restore', file, '--config', other.config], PASSPHRASE)
  expect(restored).toMatchObject({ code: 0, stderr: '' })
  await other.start()
  await using after = await other.connect()
  expect((await after.list()).map(({ uuid }) => uuid)).toEqual([OTHER])
})
