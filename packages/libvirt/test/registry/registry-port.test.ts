import { secretPath } from '@secreg/libvirt/dialect'
import type { SecretEvent } from '@secreg/libvirt/server'
import { encodeBase64 } from '@secreg/protocol'
import { MemoryEngine } from '@secreg/storage'
import { waitFor } from '@secreg/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { bytes, type RegistrySite, registrySite, secret, uuidWith } from './site.ts'

const A = uuidWith('a')
const B = uuidWith('b')
const C = uuidWith('c')
const CEPH = { type: 'ceph', id: 'client.x' } as const

const sites: RegistrySite[] = []
afterEach(() => Promise.all(sites.splice(0).map((site) => site.close())))

async function open(options?: Parameters<typeof registrySite>[0]): Promise<RegistrySite> {
  const site = await registrySite(options)
  sites.push(site)
  return site
}

const code = (number: number, message?: string): unknown =>
  expect.objectContaining({ code: number, ...(message === undefined ? {} : { message }) })

describe('secrets', () => {
  test('are defined, looked up, listed, read and undefined', async () => {
    const { port, admin } = await open()
    const a = secret(A, { description: 'of a disk', usage: { type: 'volume', id: '/disk' } })
    const b = secret(B, { usage: CEPH, ephemeral: true, private: true })
    expect(await port.define(b)).toEqual(b)
    expect(await port.define(a)).toEqual(a)
    expect(await port.list()).toEqual([a, b])
    expect([await port.lookup(A), await port.describe(B)]).toEqual([a, b])
    expect(await port.lookupByUsage(CEPH)).toEqual(b)
    await expect(port.getValue(A)).rejects.toEqual(
      code(66, `Secret not found: secret '${A}' does not have a value`),
    )
    const value = Uint8Array.from({ length: 256 }, (_, at) => at)
    await port.setValue(A, value)
    expect(await port.getValue(A)).toEqual(value)
    expect(await admin.meta({ op: 'get', key: secretPath(A) })).toMatchObject({
      encrypted: true,
      description: 'of a disk',
      custom: { usage_type: 'volume', usage_id: '/disk' },
    })
    await port.undefine(A)
    const gone = code(66, `Secret not found: no secret with matching uuid '${A}'`)
    for (const run of [
      () => port.lookup(A),
      () => port.getValue(A),
      () => port.setValue(A, value),
      () => port.undefine(A),
    ]) {
      await expect(run()).rejects.toEqual(gone)
    }
    await expect(port.lookupByUsage(a.usage)).rejects.toEqual(
      code(66, "Secret not found: no secret with matching usage '/disk'"),
    )
    await expect(port.lookupByUsage({ type: 'none', id: '' })).rejects.toEqual(code(66))
  })

  test('get a random UUID where none is given', async () => {
    const { port } = await open()
    const { uuid, ...draft } = secret(A)
    const made = await port.define(draft)
    expect(made.uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
    expect(await port.lookup(made.uuid)).toEqual({ ...draft, uuid: made.uuid })
    expect(made.uuid).not.toBe(uuid)
  })

  test('are redefined as libvirt does it', async () => {
    const { port } = await open()
    await port.define(secret(A, { description: 'x', usage: CEPH }))
    await port.setValue(A, bytes('kept'))
    await port.define(secret(A, { usage: CEPH }))
    expect(await port.lookup(A)).toEqual(secret(A, { usage: CEPH }))
    expect(await port.getValue(A)).toEqual(bytes('kept'))
    await expect(port.define(secret(B, { usage: CEPH }))).rejects.toEqual(
      code(1, `internal error: a secret with UUID ${A} already defined for use with client.x`),
    )
    await expect(port.define(secret(A, { usage: { ...CEPH, id: 'y' } }))).rejects.toEqual(
      code(1, `internal error: a secret with UUID ${A} is already defined for use with client.x`),
    )
    await port.define(secret(B))
    await expect(port.define(secret(B, { usage: { ...CEPH, id: 'y' } }))).rejects.toEqual(
      code(1, `internal error: a secret with UUID ${B} is already defined for use with (null)`),
    )
    await port.define(secret(C, { usage: { type: 'tls', id: 'client.x' } }))
    // Unlike libvirt: the pair stays unique when the type changes.
    await expect(port.define(secret(C, { usage: CEPH }))).rejects.toEqual(code(1))
    await port.define(secret(A, { usage: CEPH, private: true }))
    await expect(port.define(secret(A, { usage: CEPH }))).rejects.toEqual(
      code(1, 'internal error: cannot change private flag on existing secret'),
    )
  })

  test('that the registry door made, changed or deleted are what it says', async () => {
    const { port, admin } = await open()
    await admin.set({ key: secretPath(A), value: 'text' })
    await admin.set({ key: '/libvirt/other', value: 'x' })
    const custom = { usage_type: 'ceph', usage_id: 'client.x' }
    await admin.meta({ op: 'set', key: secretPath(A), custom })
    await admin.meta({ op: 'set', key: '/libvirt/other', custom })
    expect(await port.list()).toEqual([secret(A, { usage: CEPH })])
    expect(await port.getValue(A)).toEqual(bytes('text'))
    await admin.delete({ key: secretPath(A) })
    expect(await port.list()).toEqual([])
    await expect(port.lookup(A)).rejects.toEqual(code(66))
    await expect(port.lookupByUsage(CEPH)).rejects.toEqual(code(66))
    await port.define(secret(A, { usage: CEPH }))
    await expect(port.getValue(A)).rejects.toEqual(code(66))
    expect(await port.lookupByUsage(CEPH)).toEqual(secret(A, { usage: CEPH }))
  })

  test('what cannot be kept is refused in words of libvirt', async () => {
    const { port } = await open()
    const usage = { type: 'ceph', id: 'x'.repeat(513) } as const
    await expect(port.define(secret(A, { usage }))).rejects.toEqual(code(9))
    await expect(port.lookupByUsage({ ...usage, id: 'x'.repeat(4000) })).rejects.toEqual(code(66))
    await port.define(secret(A))
    await expect(port.setValue(A, new Uint8Array())).rejects.toEqual(code(8))
  })

  test('made ephemeral, they leave nothing in the store', async () => {
    const engine = new MemoryEngine()
    const { port } = await open({ engine })
    const usage = { type: 'ceph', id: 'canary-usage' } as const
    const kept = secret(A, { description: 'canary-text', usage })
    await port.define(kept)
    await port.setValue(A, bytes('canary-value'))
    await port.define({ ...kept, ephemeral: true })
    await port.define(secret(B, { description: 'canary-text', ephemeral: true }))
    await port.setValue(B, bytes('canary-value'))
    expect(await port.getValue(A)).toEqual(bytes('canary-value'))
    const keys: string[] = []
    for await (const { key, value } of engine.iterate({})) {
      expect(Buffer.from(value).toString('latin1'), key).not.toContain('canary')
      keys.push(key)
    }
    expect(keys.filter((key) => /^[eivw]\//.test(key))).toEqual([])
    await port.define(kept)
    expect(engine.get(`e${secretPath(A)}`)).toBeDefined()
    expect(await port.getValue(A)).toEqual(bytes('canary-value'))
  })
})

describe('rights', () => {
  const SEE = ['secret:getattr', 'secret:read']

  test('private values are read by nobody without the right to', async () => {
    const site = await open()
    const { port } = await site.userWith('bob', [
      {
        permissions: [
          'connect:search-secrets',
          ...SEE,
          'secret:write',
          'secret:save',
          'secret:read-secure',
        ],
        secrets: ['*'],
      },
    ])
    await port.define(secret(A, { private: true }))
    const isPrivate = code(65, 'Invalid secret: secret is private')
    await expect(port.getValue(A)).rejects.toEqual(isPrivate)
    await port.setValue(A, bytes('x'))
    await expect(port.getValue(A)).rejects.toEqual(isPrivate)
    // The first administrator has the right `use-internal`.
    expect(await site.port.getValue(A)).toEqual(bytes('x'))
  })

  test('who may see a secret is told that he may not do more; others that there is none', async () => {
    const site = await open()
    await site.port.define(secret(A, { usage: CEPH }))
    await site.port.setValue(A, bytes('x'))
    const { port: sees } = await site.userWith('sees', [
      {
        permissions: ['connect:getattr', 'connect:search-secrets', ...SEE],
        secrets: ['*'],
      },
    ])
    const { port: blind } = await site.userWith('blind', [
      { permissions: ['secret:getattr', 'secret:read'], secrets: [C] },
    ])
    expect(await sees.list()).toEqual([secret(A, { usage: CEPH })])
    expect(await blind.list()).toEqual([])
    const runs = [
      [A, (port: RegistrySite['port']) => port.getValue(A)],
      [A, (port: RegistrySite['port']) => port.setValue(A, bytes('y'))],
      [A, (port: RegistrySite['port']) => port.undefine(A)],
      [A, (port: RegistrySite['port']) => port.define(secret(A))],
      [B, (port: RegistrySite['port']) => port.define(secret(B))],
    ] as const
    for (const [uuid, run] of runs) {
      await expect(run(sees)).rejects.toEqual(code(88, "access denied: 'secret' denied access"))
      await expect(run(blind)).rejects.toEqual(
        code(66, `Secret not found: no secret with matching uuid '${uuid}'`),
      )
    }
    for (const run of [
      (port: RegistrySite['port']) => port.getValue(B),
      (port: RegistrySite['port']) => port.setValue(B, bytes('y')),
      (port: RegistrySite['port']) => port.undefine(B),
    ]) {
      await expect(run(sees)).rejects.toEqual(code(66))
      await expect(run(blind)).rejects.toEqual(code(66))
    }
    await expect(blind.lookup(A)).rejects.toEqual(code(66))
    await expect(blind.lookupByUsage(CEPH)).rejects.toEqual(
      code(66, "Secret not found: no secret with matching usage 'client.x'"),
    )
    expect(await site.port.getValue(A)).toEqual(bytes('x'))
  })

  test('a duplicate use does not tell whose it is to who may not see that secret', async () => {
    const site = await open()
    await site.port.define(secret(A, { usage: CEPH }))
    const { port } = await site.userWith('bob', [
      { permissions: [...SEE, 'secret:write', 'secret:save'], secrets: [B] },
    ])
    const refused = await port.define(secret(B, { usage: CEPH })).catch((error: Error) => error)
    expect(refused).toEqual(code(9))
    expect((refused as Error).message).not.toContain(A)
  })
})

describe('events', () => {
  const told = (events: readonly SecretEvent[]): string[] =>
    events.map(
      (event) => `${event.type === 'lifecycle' ? event.event : 'value'} ${event.secret.uuid[0]}`,
    )

  test('come in order, also of what the registry door does, until they are no longer wanted', async () => {
    const { port, admin } = await open()
    const events: SecretEvent[] = []
    const stop = await port.watch(
      (event) => events.push(event),
      () => {},
    )
    await port.define(secret(A, { usage: CEPH }))
    await waitFor(() => events.length === 1)
    await port.define(secret(A, { usage: CEPH, description: 'x' }))
    await port.setValue(A, bytes('x'))
    await port.setValue(A, bytes('x'))
    await waitFor(() => events.length === 4)
    await port.undefine(A)
    await admin.set({ key: secretPath(B), value: 'x' })
    await waitFor(() => events.length === 7)
    await admin.delete({ key: secretPath(B) })
    await waitFor(() => events.length === 8)
    expect(told(events)).toEqual([
      'defined a',
      'defined a',
      'value a',
      'value a',
      'undefined a',
      'defined b',
      'value b',
      'undefined b',
    ])
    expect(events[4]?.secret.usage).toEqual(CEPH)
    stop()
    await port.define(secret(C))
    await port.undefine(C)
    expect(events).toHaveLength(8)
  })

  test('of a secret that is made ephemeral with its value: it is defined, its value is not another', async () => {
    const { port } = await open()
    await port.define(secret(A))
    await port.setValue(A, bytes('x'))
    const events: SecretEvent[] = []
    await port.watch(
      (event) => events.push(event),
      () => {},
    )
    await port.define(secret(A, { ephemeral: true }))
    await port.undefine(A)
    await waitFor(() => events.length >= 1 && told(events).at(-1) === 'undefined a')
    expect(told(events).filter((text) => text.startsWith('value'))).toEqual([])
  })

  test('are refused to a caller who may not search, whether there are secrets or not', async () => {
    const site = await open()
    const { port } = await site.userWith('bob', [{ permissions: ['secret:read'], secrets: ['*'] }])
    const watch = () =>
      port.watch(
        () => {},
        () => {},
      )
    await expect(watch()).rejects.toEqual(code(88))
    await site.port.define(secret(A))
    await expect(watch()).rejects.toEqual(code(88))
  })

  test('are told of secrets only that the caller may see', async () => {
    const site = await open()
    await site.port.define(secret(A))
    await site.port.define(secret(B))
    const { port } = await site.userWith('bob', [
      {
        permissions: ['connect:getattr', 'connect:search-secrets', 'secret:getattr', 'secret:read'],
        secrets: [B],
      },
    ])
    const events: SecretEvent[] = []
    await port.watch(
      (event) => events.push(event),
      () => {},
    )
    await site.port.setValue(A, bytes('x'))
    await site.port.undefine(A)
    await site.port.setValue(B, bytes('x'))
    await waitFor(() => events.length === 1)
    expect(told(events)).toEqual(['value b'])
    expect(JSON.stringify(events)).not.toContain(encodeBase64(bytes('x')))
  })
})
