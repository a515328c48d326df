import { connectLibvirt } from '@secreg/libvirt/node'

const socket = process.env['LIBVIRT_SOCKET']
const options = socket === undefined ? {} : { socket }
const registry = await connectLibvirt({ uri: 'secret:///system', ...options })

const events = registry.events()
await events.ready

const secret = await registry.define({ usage: { type: 'volume', id: '/dev/vg/data' } })
await secret.setValue(new TextEncoder().encode('open sesame'))
export const usages: string[] = (await registry.list()).map(({ usage }) => usage.id)
await secret.undefine()

export const seen: string[] = []
for await (const event of events) {
  seen.push(event.type === 'lifecycle' ? event.event : event.type)
  if (seen.at(-1) === 'undefined') break
}
await registry.close()
