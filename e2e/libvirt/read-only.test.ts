/** The socket for those who may only look, and connections that say themselves that they only look. */
import { LibvirtError, type SecretHandle } from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { RawLibvirt } from '../lib/libvirt-raw.ts'
import { type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import type { StartedSite } from '../lib/site.ts'

const UUID = '66666666-6666-4666-8666-000000000001'
const XML = `<secret><uuid>${UUID}</uuid><usage type='tls'><name>kept</name></usage></secret>`
const HANDLE: SecretHandle = { uuid: UUID, usageType: 4, usageId: 'kept' }
const VALUE = Buffer.from('kept as it was')
/** `VIR_CONNECT_RO`, `VIR_CONNECT_NO_ALIASES`. */
const READ_ONLY = 1
const OTHER_FLAGS = 0xffff_fffe

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function stage(context: TestContext) {
  running ??= startLibvirtSite(context)
  const { site } = await running
  const registry = await site.connect()
  const secret = await registry.define({ xml: XML })
  await secret.setValue(VALUE)
  context.onTestFinished(() => registry.close())
  return { registry, secret, site }
}

/** Ask for every change and for a value, and look at everything else. */
async function expectLooking(raw: RawLibvirt): Promise<void> {
  const flags = 0
  const prevented = (name: string) => [29, `read only access prevents ${name}`]
  expect(await raw.refused('secretDefineXml', { xml: '<secret/>', flags })).toEqual(
    prevented('virSecretDefineXML'),
  )
  expect(await raw.refused('secretDefineXml', { xml: XML, flags: 8 })).toEqual(
    prevented('virSecretDefineXML'),
  )
  expect(await raw.refused('secretSetValue', { secret: HANDLE, value: VALUE, flags })).toEqual(
    prevented('virSecretSetValue'),
  )
  expect(await raw.refused('secretGetValue', { secret: HANDLE, flags })).toEqual(
    prevented('virSecretGetValue'),
  )
  expect(await raw.refused('secretUndefine', { secret: HANDLE })).toEqual(
    prevented('virSecretUndefine'),
  )
  // Whether there is such a secret is no matter of it.
  const other = { ...HANDLE, uuid: UUID.replace(/1$/, '9') }
  expect(await raw.refused('secretGetValue', { secret: other, flags })).toEqual(
    prevented('virSecretGetValue'),
  )
  expect(await raw.ok('connectNumOfSecrets', undefined)).toEqual({ num: 1 })
  expect(await raw.ok('connectListSecrets', { maxuuids: 10 })).toEqual({ uuids: [UUID] })
  expect(await raw.ok('connectListAllSecrets', { needResults: 1, flags })).toEqual({
    secrets: [HANDLE],
    ret: 1,
  })
  expect(await raw.ok('secretLookupByUuid', { uuid: UUID })).toEqual({ secret: HANDLE })
  expect(await raw.ok('secretLookupByUsage', { usageType: 4, usageId: 'kept' })).toEqual({
    secret: HANDLE,
  })
  const { xml } = await raw.ok('secretGetXmlDesc', { secret: HANDLE, flags })
  expect(xml).toContain('<name>kept</name>')
}

test('on its socket nobody changes anything or reads a value, whatever he says', async (context) => {
  const { secret, site } = await stage(context)
  for (const flags of [0, READ_ONLY, OTHER_FLAGS]) {
    using raw = await RawLibvirt.ready(site.readOnlyDoor, flags)
    await expectLooking(raw)
    // Neither by saying it again, nor by being somebody else.
    const open = { name: 'secret:///system', flags: 0 }
    expect(await raw.refused('connectOpen', open)).toEqual([1, 'connection already open'])
    const params = [{ field: 'system.token', type: 'string', value: '0'.repeat(32) }] as const
    await raw.ask('connectSetIdentity', { params, flags: 0 })
    await expectLooking(raw)
  }
  expect(Buffer.from(await secret.getValue())).toEqual(VALUE)
})

test('a connection that says so only looks, also on the other socket', async (context) => {
  const { secret, site } = await stage(context)
  for (const flags of [READ_ONLY, READ_ONLY + OTHER_FLAGS]) {
    using raw = await RawLibvirt.ready(site.door, flags)
    await expectLooking(raw)
  }
  for (const socket of [site.door, site.readOnlyDoor]) {
    await using looking = await site.connect({ socket, readOnly: true })
    const seen = await looking.getByUuid(UUID)
    expect(await seen.describe()).toEqual(await secret.describe())
    const refusal = await seen.getValue().catch((error: unknown) => error)
    expect(LibvirtError.is(refusal, 29)).toBe(true)
  }
  expect(Buffer.from(await secret.getValue())).toEqual(VALUE)
})

test('who only looks is told of changes', async (context) => {
  const { registry, site } = await stage(context)
  await using looking = await site.connect({ socket: site.readOnlyDoor, readOnly: true })
  const seen: string[] = []
  await looking.on('lifecycle', {}, ({ event, secret }) => seen.push(`${event} ${secret.uuid}`))
  await looking.on('value-changed', { uuid: UUID }, ({ secret }) => seen.push(secret.uuid))
  const other = await registry.define({ ephemeral: true })
  await other.setValue(VALUE)
  await other.undefine()
  await (await registry.getByUuid(UUID)).setValue(VALUE)
  await waitFor(() => seen.length === 3)
  expect(seen.toSorted()).toEqual([`defined ${other.uuid}`, `undefined ${other.uuid}`, UUID].sort())
})
