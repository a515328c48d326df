import { formatSecretXml, LibvirtError, parseSecretXml } from '@secreg/libvirt'

const draft = parseSecretXml(
  "<secret><usage type='ceph'><name>client.libvirt</name></usage></secret>",
)
export const text: string = formatSecretXml({
  ...draft,
  uuid: '11111111-1111-4111-8111-111111111111',
})

export const refusals: string[] = []
try {
  parseSecretXml("<secret><usage type='ceph'/></secret>")
} catch (error) {
  if (!LibvirtError.is(error)) throw error
  refusals.push(error.message)
}
