/**
 * What is left of secrets when the daemon ends, well or ill: everything of those that are kept, nothing of those that are
 * ephemeral. Durability class of every change: synced; of what is ephemeral: none.
 */
import {
  LibvirtError,
  NoSecretError,
  type SecretDefinition,
  type SecretRegistry,
} from '@secreg/libvirt'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import { PASSPHRASE, readLog, type StartedSite } from '../lib/site.ts'

const KEPT = '77777777-7777-4777-8777-000000000001'
const HIDDEN = '77777777-7777-4777-8777-000000000002'
const GONE = '77777777-7777-4777-8777-000000000003'
const VALUE = Buffer.from(Array.from({ length: 65_536 }, (_, at) => (at * 31 + (at >> 8)) & 0xff))

type End = 'SIGTERM' | 'SIGKILL'
const ENDS: readonly End[] = ['SIGTERM', 'SIGKILL']

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

/** A site without secrets. */
async function stage(context: TestContext): Promise<LibvirtSite> {
  // So that it can be seen that private values are kept as well.
  running ??= startLibvirtSite(context, { libvirt: 'private_values = true' })
  const { site } = await running
  await using registry = await site.connect()
  for (const secret of await registry.list()) await secret.undefine()
  return site
}

/** End the daemon and start the next one. */
async function anew(site: LibvirtSite, signal: End): Promise<void> {
  await site.children.at(-1)?.kill(signal)
  await site.start()
  expect(readLog(site.audit).torn).toBe('')
}

const describeAll = async (registry: SecretRegistry): Promise<SecretDefinition[]> =>
  Promise.all((await registry.list()).map((secret) => secret.describe()))

const secretValue = async (registry: SecretRegistry, uuid: string): Promise<Buffer> =>
  Buffer.from(await (await registry.getByUuid(uuid)).getValue())

test.for(ENDS)(
  'after %s, those that are kept are as they were, and the ephemeral ones are gone',
  async (signal, context) => {
    const site = await stage(context)
    const before = await site.connect()
    const kept = await before.define({
      uuid: KEPT,
      description: 'é <&> \'"',
      usage: { type: 'volume', id: '/dev/vg/a b' },
    })
    await kept.setValue(Buffer.from('first'))
    await kept.setValue(VALUE)
    const made = await before.define({ usage: { type: 'ceph', id: 'client.é' } })
    const hidden = await before.define({ uuid: HIDDEN, private: true })
    await hidden.setValue(VALUE)
    const forAWhile = { type: 'tls', id: 'for a while' } as const
    const gone = await before.define({ uuid: GONE, ephemeral: true, usage: forAWhile })
    await gone.setValue(VALUE)
    const takenBack = await before.define({ usage: { type: 'iscsi', id: 'taken back' } })
    await takenBack.setValue(VALUE)
    await takenBack.undefine()
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
      () => after.getByUuid(takenBack.uuid),
      () => after.getByUsage('tls', 'for a while'),
      () => after.getByUsage('iscsi', 'taken back'),
    ]) {
      await expect(look()).rejects.toThrow(NoSecretError)
    }
    // What they were for is free, and what is kept has its own.
    await after.define({ usage: forAWhile })
    await expect(after.define({ usage: { type: 'ceph', id: 'client.é' } })).rejects.toThrow(
      `a secret with UUID ${made.uuid} already defined for use with client.é`,
    )
  },
)

test.for(ENDS)(
  'what was kept and is made ephemeral is gone after %s, and what was made to last is there',
  async (signal, context) => {
    const site = await stage(context)
    const usages = {
      kept: { type: 'ceph', id: 'kept' },
      gone: { type: 'ceph', id: 'gone' },
    } as const
    const registry = await site.connect()
    const gone = await registry.define({ uuid: GONE, usage: usages.gone })
    await gone.setValue(VALUE)
    const kept = await registry.define({ uuid: KEPT, usage: usages.kept, ephemeral: true })
    await kept.setValue(VALUE)
    await registry.define({ uuid: GONE, usage: usages.gone, ephemeral: true })
    await registry.define({ uuid: KEPT, usage: usages.kept })
    expect(await secretValue(registry, GONE)).toEqual(VALUE)
    await anew(site, signal)
    await using after = await site.connect()
    expect((await after.list()).map(({ uuid }) => uuid)).toEqual([KEPT])
    expect(await secretValue(after, KEPT)).toEqual(VALUE)
    await expect(after.getByUuid(GONE)).rejects.toThrow(NoSecretError)
    await after.define({ usage: usages.gone })
  },
)

/** A change, what is looked at after the next start, and what that is. */
type Change = readonly [
  change: (registry: SecretRegistry) => Promise<unknown>,
  look: (registry: SecretRegistry) => Promise<unknown>,
  seen: unknown,
]

const USAGE = { type: 'tls', id: 'a' } as const

const CHANGES: readonly Change[] = [
  [
    (registry) => registry.define({ uuid: KEPT, usage: USAGE }),
    async (registry) => (await registry.getByUsage('tls', 'a')).uuid,
    KEPT,
  ],
  [
    async (registry) => (await registry.getByUuid(KEPT)).setValue(Buffer.from('v')),
    (registry) => secretValue(registry, KEPT),
    Buffer.from('v'),
  ],
  [
    (registry) => registry.define({ uuid: KEPT, description: 'd', usage: USAGE }),
    async (registry) => [await describeAll(registry), await secretValue(registry, KEPT)],
    [
      [{ uuid: KEPT, description: 'd', usage: USAGE, ephemeral: false, private: false }],
      Buffer.from('v'),
    ],
  ],
  [
    async (registry) => (await registry.getByUuid(KEPT)).undefine(),
    (registry) => registry.count(),
    0,
  ],
]

test('kill -9 at the answer of every change, and it was done', async (context) => {
  const site = await stage(context)
  for (const [change, look, seen] of CHANGES) {
    const registry = await site.connect()
    await change(registry)
    await anew(site, 'SIGKILL')
    await using after = await site.connect()
    expect(await look(after)).toEqual(seen)
  }
})

test('a registry that is locked says so, and has everything again when it is unlocked', async (context) => {
  const site = await stage(context)
  using admin = await site.admin()
  await using registry = await site.connect()
  const secrets = [
    await registry.define({ uuid: KEPT }),
    await registry.define({ ephemeral: true }),
  ]
  for (const secret of secrets) await secret.setValue(VALUE)
  await admin.ok('seal', { op: 'lock' })
  for (const secret of secrets) {
    for (const call of [
      () => secret.getValue(),
      () => secret.setValue(VALUE),
      () => secret.undefine(),
      () => registry.define({ uuid: secret.uuid, description: 'x' }),
      () => registry.define({}),
    ]) {
      const refusal = await call().catch((error: unknown) => error)
      expect(LibvirtError.is(refusal, 9) && refusal.message).toBe(
        'operation failed: the registry is sealed',
      )
    }
  }
  await admin.ok('seal', { op: 'unlock', passphrase: PASSPHRASE })
  for (const secret of secrets) expect(Buffer.from(await secret.getValue())).toEqual(VALUE)
})
