import { openSecretRegistry, SecretError } from '@secreg/libvirt'
import { serveLibvirt } from '@secreg/libvirt/server'
import { portOf, streams } from './surroundings.ts'

// The two ends of a connection; here, no socket is between them.
const [near, far] = streams()
serveLibvirt(far, { portOf, readOnly: false })

const registry = await openSecretRegistry(near)
const secret = await registry.define({
  description: 'cluster key',
  usage: { type: 'ceph', id: 'client.libvirt' },
})
export const missing: unknown = await secret.getValue().catch((error) => {
  if (!SecretError.isSecretError(error, 'NO_VALUE')) throw error
  return error.message
})
await secret.setValue(new TextEncoder().encode('open sesame'))

const found = await registry.getByUsage('ceph', 'client.libvirt')
export const value: string = new TextDecoder().decode(await found.getValue())
export const xml: string = await found.toXML()
await registry.close()
