/** The sockets of a development home: whoever starts it is its administrator there. */
import { statSync } from 'node:fs'
import { LibvirtError } from '@secreg/libvirt'
import { connectLibvirt } from '@secreg/libvirt/node'
import { createTempHome, startNode } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { requireKernelWord } from '../lib/libvirt-site.ts'
import { SECREGD } from '../lib/site.ts'

const VALUE = Buffer.from('of a development home')

test('both sockets, private to the user, with the same secrets at each start', async (context) => {
  requireKernelWord(context)
  await using home = createTempHome()
  const directory = home.file('dev')
  const usage = { type: 'ceph', id: 'client.dev' } as const
  for (const isFirst of [true, false]) {
    await using daemon = startNode(SECREGD, ['--dev', directory])
    const ready = JSON.parse(await daemon.line(/"ready":true/, { timeoutMs: 40_000 }))
    expect(ready).toMatchObject({
      libvirt: `${directory}/libvirt.sock`,
      libvirtReadOnly: `${directory}/libvirt-ro.sock`,
    })
    for (const socket of [ready.libvirt, ready.libvirtReadOnly]) {
      expect(statSync(socket).mode & 0o777).toBe(0o600)
    }
    await using registry = await connectLibvirt({ socket: ready.libvirt })
    if (isFirst) await (await registry.define({ usage })).setValue(VALUE)
    const secret = await registry.getByUsage(usage.type, usage.id)
    expect(Buffer.from(await secret.getValue())).toEqual(VALUE)
    await using looking = await connectLibvirt({ socket: ready.libvirtReadOnly })
    const seen = await looking.getByUuid(secret.uuid)
    const refusal = await seen.getValue().catch((error: unknown) => error)
    expect(LibvirtError.is(refusal, 29)).toBe(true)
    expect(await daemon.kill('SIGTERM')).toEqual({ code: 0, signal: null })
  }
})
