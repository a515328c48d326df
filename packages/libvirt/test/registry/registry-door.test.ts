/** What the registry's own door does to secrets of libvirt, as clients of libvirt meet it afterwards. */
import { secretPath } from '@secreg/libvirt/dialect'
import type { SecretEvent } from '@secreg/libvirt/server'
import type { Path } from '@secreg/protocol'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { Client, handle } from '../server/client.ts'
import { settled } from '../server/memory-connection.ts'
import { bytes, registrySite, secret, uuidWith } from './site.ts'

const [A, B] = ['a', 'b'].map(uuidWith) as [string, string]
const VOLUME = { type: 'volume', id: '/dev/vg/a' } as const
const noSecret = expect.objectContaining({ code: 66 })

async function moved() {
  const site = await registrySite()
  await site.port.define(secret(A, { usage: VOLUME, private: true, description: 'd' }))
  await site.port.setValue(A, bytes('value'))
  const events: SecretEvent[] = []
  await site.port.watch(
    (event) => events.push(event),
    () => {},
  )
  const transfer = (op: 'move' | 'copy', to: Path, from: Path = secretPath(A)) =>
    site.admin.transfer({ op, from, to })
  return { ...site, events, transfer }
}

describe('a secret that is moved', () => {
  test('to another UUID is that one from then on, with all that it was', async () => {
    const { port, transfer, events, close } = await moved()
    await transfer('move', secretPath(B))
    expect(await port.list()).toEqual([
      secret(B, { usage: VOLUME, private: true, description: 'd' }),
    ])
    expect(await port.getValue(B)).toEqual(bytes('value'))
    expect((await port.lookupByUsage(VOLUME)).uuid).toBe(B)
    await expect(port.getValue(A)).rejects.toEqual(noSecret)
    await waitFor(() => events.length === 3)
    const told = events.map(
      (event) => `${'event' in event ? event.event : 'value'} ${event.secret.uuid}`,
    )
    expect(told).toEqual([`undefined ${A}`, `defined ${B}`, `value ${B}`])
    await close()
  })

  test('to what is no UUID is no secret, and what it was for is free', async () => {
    const { port, transfer, close } = await moved()
    await transfer('move', '/libvirt/kept')
    expect(await port.list()).toEqual([])
    await port.define(secret(B, { usage: VOLUME }))
    await expect(transfer('move', secretPath(A), '/libvirt/kept')).rejects.toMatchObject({
      reason: 'ALREADY_EXISTS',
    })
    expect((await port.lookupByUsage(VOLUME)).uuid).toBe(B)
    await port.undefine(B)
    await transfer('move', secretPath(A), '/libvirt/kept')
    expect((await port.lookupByUsage(VOLUME)).uuid).toBe(A)
    await close()
  })

  test('out of the mount stays where it is', async () => {
    const { port, transfer, close } = await moved()
    await expect(transfer('move', '/app/a')).rejects.toMatchObject({ reason: 'DIALECT_REFUSED' })
    expect((await port.lookup(A)).usage).toEqual(VOLUME)
    await close()
  })
})

test('a copy elsewhere is as private and encrypted, and no second secret with the same use is made', async () => {
  const { admin, port, transfer, close } = await moved()
  await transfer('copy', '/app/a')
  expect(await admin.meta({ op: 'get', key: '/app/a' })).toMatchObject({
    private: true,
    encrypted: true,
  })
  for (const from of [secretPath(A), '/app/a'] as const) {
    await expect(transfer('copy', secretPath(B), from)).rejects.toMatchObject({
      reason: 'ALREADY_EXISTS',
    })
  }
  expect((await port.list()).map(({ uuid }) => uuid)).toEqual([A])
  await close()
})

test('a value that the protocol cannot say is not said, and the connection goes on', async () => {
  const { admin, port, close } = await registrySite()
  const client = new Client({ portOf: () => port })
  await client.open()
  const story: string[] = []
  for (const size of [65_536, 65_537, 200_000, 0]) {
    await admin.set({
      key: secretPath(A),
      value: Buffer.alloc(size, 120).toString('base64'),
      type: 'bytes',
    })
    client.send('secretGetValue', { secret: handle(A), flags: 0 })
    await settled()
    await settled()
    story.push(...client.story())
  }
  expect(story).toEqual([
    'reply 1',
    'error 2: 39/7 Unable to encode message payload',
    'error 3: 39/7 Unable to encode message payload',
    'reply 4',
  ])
  await close()
})
