/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a client shows when it fails, and what it defines. */
import { LibvirtError, parseSecretXml } from '@secreg/libvirt'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { handle, SILENCE, StandIn, UUIDS } from './stand-in.ts'

const [UUID] = UUIDS

describe('class 22: what fails shows no value', () => {
  test.each(['refused', 'lost'])('%s', async (how) => {
    const value = createCanary('value')
    const server: StandIn = new StandIn({
      secretLookupByUuid: () => ({ secret: handle(UUID) }),
      secretSetValue: () => {
        if (how === 'refused')
          return new LibvirtError({ code: 38, domain: 30, message: 'no' } as never)
        server.stream.destroy()
        return SILENCE
      },
    })
    const registry = await server.open({ keepalive: false })
    const secret = await registry.getByUuid(UUID)
    const bytes = new TextEncoder().encode(value)
    const shown = await shownByFailure(() => secret.setValue(bytes))
    expect(shown).toBeDefined()
    for (const form of [value, Buffer.from(bytes).toString('hex')])
      expect(shown).not.toContain(form)
    await registry.close().catch(() => {})
  })
})

describe('class 28: a name is text of one element', () => {
  test.each([
    '../../etc/passwd',
    '%2e%2e',
    'a?b#c',
    '</name></usage><usage type="tls"><name>b',
    '&lt;name&gt;',
    'a\' b="c',
    ']]>',
    '<!ENTITY x SYSTEM "file:///etc/passwd">',
  ])('%j', async (id) => {
    const defined: string[] = []
    const server = new StandIn({
      secretDefineXml: ({ xml }) => {
        defined.push(xml)
        return { secret: handle(UUID, id) }
      },
    })
    const registry = await server.open({ keepalive: false })
    await registry.define({ uuid: UUID, usage: { type: 'tls', id }, description: id })
    const [xml = ''] = defined
    expect(parseSecretXml(xml)).toMatchObject({ uuid: UUID, usage: { type: 'tls', id } })
    expect(xml.match(/<usage/g)).toHaveLength(1)
    await registry.close()
  })

  test.each(['a\0b', '../x', `${UUID}/../x`, `${UUID}#`, '%31'])('no UUID: %j', async (uuid) => {
    const server = new StandIn()
    const registry = await server.open({ keepalive: false })
    const { length } = server.calls
    await expect(registry.getByUuid(uuid)).rejects.toThrow(RangeError)
    expect(server.calls).toHaveLength(length)
    await registry.close()
  })
})
