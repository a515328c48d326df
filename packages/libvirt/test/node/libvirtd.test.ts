/**
 * Against a daemon of libvirt's own that runs already. `LIBVIRT_TEST_SOCKET` is the path of its socket; it needs nothing
 * but the driver of secrets. Secrets are made ephemeral and undefined at the end.
 */
import { randomUUID } from 'node:crypto'
import {
  LibvirtError,
  NoSecretError,
  NoValueError,
  PrivateSecretError,
  type Secret,
} from '@secreg/libvirt'
import { connectLibvirt } from '@secreg/libvirt/node'
import { skipTest, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test('the whole API against libvirtd', async (context) => {
  const socket = process.env['LIBVIRT_TEST_SOCKET']
  if (socket === undefined) return skipTest(context, 'LIBVIRT_TEST_SOCKET names no libvirtd')
  const run = randomUUID()
  await using registry = await connectLibvirt({ socket, keepalive: { intervalMs: 200, count: 3 } })
  const seen: string[] = []
  const made: Secret[] = []
  const mine = (secret: Secret): boolean => made.some(({ uuid }) => uuid === secret.uuid)
  await registry.on('lifecycle', {}, ({ event, secret }) => {
    if (mine(secret)) seen.push(event)
  })
  await registry.on('value-changed', {}, ({ type, secret }) => {
    if (mine(secret)) seen.push(type)
  })
  try {
    for (let index = 0; index < 20; index += 1) {
      const usage = { type: 'ceph', id: `é<&"'> ${run} ${index}` } as const
      made.push(await registry.define({ usage, ephemeral: true, description: `d ${index}` }))
    }
    // At once, so that its threads answer in whatever order they like.
    await Promise.all(
      made.map((secret, index) => secret.setValue(new Uint8Array(index + 1).fill(index))),
    )
    const values = await Promise.all(made.map((secret) => secret.getValue()))
    expect(values).toEqual(made.map((_, index) => new Uint8Array(index + 1).fill(index)))
    const [first] = made as [Secret]
    expect(await first.describe()).toEqual({
      uuid: first.uuid,
      description: 'd 0',
      usage: { type: 'ceph', id: `é<&"'> ${run} 0` },
      ephemeral: true,
      private: false,
    })
    const listed = (await registry.list({ ephemeral: true })).map(({ uuid }) => uuid)
    for (const { uuid } of made) expect(listed).toContain(uuid)
    expect((await registry.listUuids()).length).toBe(await registry.count())
    expect((await registry.getByUsage('ceph', first.usage.id)).uuid).toBe(first.uuid)
    const twice = registry.define({ usage: { type: 'ceph', id: first.usage.id } })
    expect(LibvirtError.is(await failure(twice), 1)).toBe(true)
    const hidden = await registry.define({ private: true, ephemeral: true })
    made.push(hidden)
    expect(await failure(hidden.getValue())).toBeInstanceOf(PrivateSecretError)
    const empty = await registry.define({ ephemeral: true })
    made.push(empty)
    expect(await failure(empty.getValue())).toBeInstanceOf(NoValueError)
  } finally {
    for (const secret of made) await secret.undefine()
  }
  expect(await failure(made[0]?.toXML() ?? Promise.resolve())).toBeInstanceOf(NoSecretError)
  await waitFor(() => seen.filter((event) => event === 'undefined').length === made.length)
  expect(seen.filter((event) => event === 'value-changed').length).toBe(20)
  expect(seen.filter((event) => event === 'defined').length).toBe(made.length)
})
