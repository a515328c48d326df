import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseLibvirtUri } from '../../src/client/libvirt-uri.ts'

test('the server is told what libvirt would tell it', () => {
  const names: [string, string][] = [
    ['secret:///system', 'secret:///system'],
    ['secret+unix:///system?socket=/tmp/s', 'secret:///system'],
    ['SECRET+UNIX:///system', 'secret:///system'],
    ['secret:///system?foo=bar', 'secret:///system?foo=bar'],
    ['secret:///system?socket=%2Ftmp%2Fs&foo=b%26r&mode=legacy&x', 'secret:///system?foo=b%26r&x'],
    ['secret:///', 'secret:///'],
    ['qemu+unix:///system?socket=/tmp/s&name=secret:///system', 'secret:///system'],
    ['remote+unix:///?socket=/tmp/s', ''],
    ['', ''],
  ]
  for (const [uri, name] of names) expect([uri, parseLibvirtUri(uri).name]).toEqual([uri, name])
})

test('the client keeps the socket and the mode', () => {
  expect(parseLibvirtUri('secret:///session?socket=%2Ftmp%2Fa%20b&mode=direct')).toEqual({
    scheme: 'secret',
    path: '/session',
    name: 'secret:///session',
    mode: 'direct',
    socket: '/tmp/a b',
  })
  expect(parseLibvirtUri('secret:///system?socket=/a&socket=/b').socket).toBe('/a')
})

test('what leads to no Unix socket on this machine is refused', () => {
  const refused = [
    'secret',
    'secret:/system',
    'secret+ssh:///system',
    'secret+tls:///system',
    'secret://host/system',
    'secret:///system#fragment',
    'secret:///system?mode=other',
    'secret:///system?socket=%zz',
    'secret:///system?socket=%00',
    'secret:///sys\ntem',
    `secret:///${'a'.repeat(5000)}`,
  ]
  for (const uri of refused) expect(() => parseLibvirtUri(uri), uri).toThrow(RangeError)
  expect(() => parseLibvirtUri(7 as unknown as string)).toThrow(TypeError)
})

test('any text is a URI or a RangeError', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, whole) => {
      try {
        expect(parseLibvirtUri(whole ? text : `secret:///${text}`)).toBeDefined()
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})
