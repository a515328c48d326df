/** Memory that clients of libvirt would like the daemon to hold for them: it has a bound, and nobody else pays for it. */
import { LIBVIRT_LIMITS, type SecretRegistry, writeCall } from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { MIB, residentBytes } from '../lib/gateway-processes.ts'
import { RawLibvirt } from '../lib/libvirt-raw.ts'
import { type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import type { StartedSite } from '../lib/site.ts'
import { socketsOf } from '../lib/subauth-descriptors.ts'
import type { Wire } from '../lib/wire.ts'

/** The least that `limits.buffer_bytes` can be, and what one user may have of it. */
const BUDGET_BYTES = 16 * MIB
const PART_BYTES = BUDGET_BYTES / 4
/** What the heap keeps until it has to tidy. */
const SLACK_BYTES = 64 * MIB
/** What it takes on a machine that does much else. */
const PATIENCE = { timeoutMs: 40_000 }
const LIMITS = `[limits]\nbuffer_bytes = ${BUDGET_BYTES}\nread_timeout = 2`

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function stage(context: TestContext) {
  running ??= startLibvirtSite(context, { config: LIMITS })
  const { admin, daemon, site } = await running
  const registry = await site.connect()
  context.onTestFinished(() => registry.close())
  return { admin, daemon, registry, site }
}

/** What all connections hold. */
async function bufferBytes(admin: Wire): Promise<number> {
  const { metrics } = await admin.ok('maintain', { op: 'metrics' })
  return Number(/^secreg_buffer_bytes (\d+)$/m.exec(metrics)?.[1])
}

async function changeOnce(registry: SecretRegistry): Promise<void> {
  const secret = await registry.define({ ephemeral: true })
  await secret.setValue(Buffer.alloc(LIBVIRT_LIMITS.valueBytes, 'v'))
  expect((await secret.getValue()).length).toBe(LIBVIRT_LIMITS.valueBytes)
  await secret.undefine()
}

test('frames that are never whole', async (context) => {
  const { admin, daemon, registry, site } = await stage(context)
  const before = residentBytes([daemon.pid])
  const bytes = Buffer.from(writeCall('connectGetType', undefined, 1))
  bytes.writeUInt32BE(LIBVIRT_LIMITS.requestBytes)
  const begun = Buffer.concat([bytes, Buffer.alloc(MIB)])
  const raws: RawLibvirt[] = []
  const left = () => raws.filter(({ isClosed }) => !isClosed).length
  try {
    for (let at = 0; at < 20; at++) {
      const raw = await RawLibvirt.ready(site.door)
      raws.push(raw)
      await new Promise<void>((resolve) => {
        raw.socket.write(begun, () => resolve())
      })
    }
    // There is room for so many, and the others are gone at once.
    await waitFor(() => left() <= PART_BYTES / MIB, { what: 'those without room to go' })
    expect(await bufferBytes(admin)).toBeLessThan(PART_BYTES + MIB)
    expect(residentBytes([daemon.pid])).toBeLessThan(before + BUDGET_BYTES + SLACK_BYTES)
    expect(await registry.count()).toBe(0)
    await waitFor(() => left() === 0, { what: 'the time of their frames to be over' })
  } finally {
    for (const raw of raws) raw[Symbol.dispose]()
  }
  await changeOnce(registry)
})

test('a listener that takes nothing is given up, and another misses nothing', async (context) => {
  const { daemon, registry, site } = await stage(context)
  const before = residentBytes([daemon.pid])
  const usage = { type: 'ceph', id: 'x'.repeat(500) } as const
  const secret = await registry.define({ ephemeral: true, usage })
  await using listening = await site.connect()
  let seen = 0
  await listening.on('value-changed', {}, () => {
    seen++
  })
  using deaf = await RawLibvirt.ready(site.door)
  await deaf.ok('connectSecretEventRegisterAny', { eventId: 1, secret: undefined })
  deaf.socket.pause()
  let changes = 0
  const startedAt = performance.now()
  // The daemon is the one that knows: it has a connection less.
  const connections = socketsOf(daemon.pid)
  await waitFor(async () => {
    const values = Array.from({ length: 200 }, () => secret.setValue(Buffer.from('v')))
    await Promise.all(values)
    changes += values.length
    return socketsOf(daemon.pid) < connections
  }, PATIENCE)
  // So many wait for it; a machine that makes fewer in half a minute has let it take nothing for that long.
  expect(changes > 1_000 || performance.now() - startedAt > 30_000, `${changes}`).toBe(true)
  await waitFor(() => seen === changes, { ...PATIENCE, what: 'the other to be told everything' })
  expect(residentBytes([daemon.pid])).toBeLessThan(before + SLACK_BYTES)
  deaf.socket.resume()
  await deaf.closed
  await secret.undefine()
  await changeOnce(registry)
})
