import { expect, test } from 'vitest'
import { parseLibvirtUri } from '../../src/client/libvirt-uri.ts'
import { socketPathOf } from '../../src/node/socket-path.ts'

interface Case {
  readonly uri: string
  readonly readOnly?: boolean
  readonly uid?: number
  readonly there?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly path: string
}

const system = '/run/libvirt'
const user = '/run/user/1000'
const env = { XDG_RUNTIME_DIR: user, HOME: '/home/u' }

const cases: readonly Case[] = [
  { uri: 'secret:///system', path: `${system}/libvirt-sock` },
  { uri: 'secret:///system', readOnly: true, path: `${system}/libvirt-sock-ro` },
  {
    uri: 'secret:///system',
    there: [`${system}/virtsecretd-sock`],
    path: `${system}/virtsecretd-sock`,
  },
  {
    uri: 'secret:///system',
    there: [`${system}/virtsecretd-sock`],
    readOnly: true,
    path: `${system}/libvirt-sock-ro`,
  },
  {
    uri: 'secret:///system',
    there: [`${system}/virtsecretd-sock-ro`],
    readOnly: true,
    path: `${system}/virtsecretd-sock-ro`,
  },
  { uri: 'secret:///system?mode=direct', path: `${system}/virtsecretd-sock` },
  {
    uri: 'secret:///system?mode=legacy',
    there: [`${system}/virtsecretd-sock`],
    path: `${system}/libvirt-sock`,
  },
  {
    uri: 'qemu:///system',
    there: [`${system}/virtsecretd-sock`],
    path: `${system}/libvirt-sock`,
  },
  { uri: '', path: `${system}/libvirt-sock` },
  { uri: 'secret:///session', path: `${user}/libvirt/libvirt-sock` },
  { uri: 'secret:///session', readOnly: true, path: `${user}/libvirt/libvirt-sock` },
  {
    uri: 'secret:///session',
    there: [`${user}/libvirt/virtsecretd-sock`],
    path: `${user}/libvirt/virtsecretd-sock`,
  },
  {
    uri: 'secret:///session',
    env: { HOME: '/home/u' },
    path: '/home/u/.cache/libvirt/libvirt-sock',
  },
  { uri: 'secret:///session', uid: 0, path: `${system}/libvirt-sock` },
  { uri: 'secret:///system?socket=/tmp/s', readOnly: true, path: '/tmp/s' },
]

test.each(cases)('$uri, read-only $readOnly: $path', (of) => {
  const surroundings = {
    uid: of.uid ?? 1000,
    env: of.env ?? env,
    exists: (path: string) => of.there?.includes(path) ?? false,
  }
  expect(socketPathOf(parseLibvirtUri(of.uri), of.readOnly ?? false, surroundings)).toBe(of.path)
})

test('a session needs a directory', () => {
  const surroundings = { uid: 1000, env: {}, exists: () => false }
  const uri = parseLibvirtUri('secret:///session')
  expect(() => socketPathOf(uri, false, surroundings)).toThrow(RangeError)
})
