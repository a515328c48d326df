/** Rules of libvirt about what secrets are for (specs/libvirt.md §10), as its clients and those of the registry meet them. */
import type { SecretUsage } from '@secreg/libvirt'
import { LIBVIRT_DIALECT } from '@secreg/libvirt/dialect'
import { describe, expect, test } from 'vitest'
import { ALL, bytes, LOOKING, registrySite, secret, uuidWith } from './site.ts'

const [MINE, OTHER, NONE, NEW] = ['1', '2', '3', '4'].map(uuidWith) as [
  string,
  string,
  string,
  string,
]
const VG = { type: 'volume', id: '/dev/vg/mine' } as const
const CEPH = { type: 'ceph', id: 'client.other' } as const
const RULES = [
  { permissions: LOOKING.filter((name) => name.startsWith('connect:')) },
  {
    permissions: ALL.filter((name) => name.startsWith('secret:')),
    secrets: ['*'],
    usage: { type: 'volume', id: '/dev/vg/*' },
  },
]

async function prepared() {
  const site = await registrySite()
  for (const [uuid, usage] of [
    [MINE, VG],
    [OTHER, CEPH],
    [NONE, { type: 'none', id: '' }],
  ] as const) {
    await site.port.define(secret(uuid, { usage }))
    await site.port.setValue(uuid, bytes('value'))
  }
  return { ...site, bob: await site.userWith('bob', RULES) }
}

describe('a secret that is for something else is as if it were not there', () => {
  test('to a client of libvirt', async () => {
    const { bob, close } = await prepared()
    expect((await bob.port.list()).map(({ uuid }) => uuid)).toEqual([MINE])
    expect(await bob.port.getValue(MINE)).toEqual(bytes('value'))
    expect(await bob.port.lookupByUsage(VG)).toMatchObject({ uuid: MINE })
    await bob.port.setValue(MINE, bytes('new'))
    for (const uuid of [OTHER, NONE, NEW]) {
      const missing = { code: 66, message: expect.stringContaining(uuid) }
      await expect(bob.port.lookup(uuid)).rejects.toMatchObject(missing)
      await expect(bob.port.getValue(uuid)).rejects.toMatchObject(missing)
      await expect(bob.port.setValue(uuid, bytes('x'))).rejects.toMatchObject(missing)
      await expect(bob.port.undefine(uuid)).rejects.toMatchObject(missing)
    }
    await expect(bob.port.lookupByUsage(CEPH)).rejects.toMatchObject({ code: 66 })
    await close()
  })

  test('to a client that defines one: he makes what he may, and is told of no other', async () => {
    const { bob, port, close } = await prepared()
    const made = { usage: { type: 'volume', id: '/dev/vg/new' } } as const
    await bob.port.define(secret(NEW, made))
    expect(await port.lookup(NEW)).toMatchObject(made)
    await bob.port.undefine(NEW)
    for (const usage of [CEPH, { type: 'tls', id: 'x' }, { type: 'none', id: '' }] as const) {
      const told = async (uuid: string) =>
        bob.port.define(secret(uuid, { usage })).catch((error: Error) => error.message)
      const [there, missing] = [await told(OTHER), await told(NEW)]
      expect(there).toEqual((missing as string).replace(NEW, OTHER))
      expect(there).toMatch(/denied|not found/)
    }
    await close()
  })

  test('to a client of the registry', async () => {
    const { bob, close } = await prepared()
    const key = (uuid: string) => `/libvirt/${uuid}`
    expect((await bob.api.list({ prefix: '/libvirt' })).keys).toEqual([key(MINE)])
    await bob.api.get({ key: key(MINE), decrypt: true })
    const told = (uuid: string) =>
      bob.api.get({ key: key(uuid), decrypt: true }).catch((error: Error) => error.message)
    expect(await told(OTHER)).toBe(await told(NEW))
    await close()
  })
})

test('a redefinition is asked for by what the secret was for and by what it will be for', async () => {
  const { bob, port, close } = await prepared()
  await bob.port.define(secret(MINE, { usage: VG, description: 'still for that' }))
  await expect(
    bob.port.define(secret(MINE, { usage: { ...VG, type: 'tls' } })),
  ).rejects.toMatchObject({ code: 88 })
  expect(await port.lookup(MINE)).toMatchObject({ usage: VG, description: 'still for that' })
  await close()
})

test.each<SecretUsage>([
  { type: 'none', id: '' },
  { type: 'volume', id: '/dev/vg/a' },
  { type: 'ceph', id: 'a' },
  { type: 'iscsi', id: 'a' },
  { type: 'tls', id: 'a' },
  { type: 'vtpm', id: 'a' },
])('a rule about $type holds for that and for no other', async (usage) => {
  const site = await registrySite()
  await site.port.define(secret(NEW, { usage }))
  await site.port.define(
    secret(OTHER, { usage: usage.type === 'tls' ? CEPH : { type: 'tls', id: 'b' } }),
  )
  const { port: bob } = await site.userWith('bob', [
    { permissions: ['connect:search-secrets'] },
    { permissions: ['secret:getattr', 'secret:read'], secrets: ['*'], usage: { type: usage.type } },
  ])
  expect(await bob.list()).toEqual([secret(NEW, { usage })])
  await site.close()
})

test('what is below the mount and is no secret is for nothing', () => {
  expect(LIBVIRT_DIALECT.usage?.({ path: '/libvirt/x', custom: {} })).toBeUndefined()
})
