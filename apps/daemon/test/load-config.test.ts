import { createTempHome } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { load } from '../src/load-config.ts'

async function outcome(text: string): Promise<string> {
  await using home = await createTempHome()
  const file = home.write('config.toml', text)
  try {
    load(file)
    return 'ok'
  } catch (error) {
    return (
      (error as { faults?: readonly { message: string; line?: number }[] }).faults
        ?.map(({ line, message }) => `${line}: ${message}`)
        .join() ?? 'another error'
    )
  }
}

const LOGIN = ['sasl_mechanism = "plain"', 'username = "u"', 'password_file = "/p"']
const AWAY = 'brokers = ["kafka.example.org:9092"]'
const HERE = 'brokers = ["127.0.0.1:9092", "localhost:1", "[::1]:2"]'

test.each([
  ['no login', ['tls = false', AWAY], 'ok'],
  ['a login over TLS', [AWAY, ...LOGIN], 'ok'],
  ['a login in the clear to this machine', ['tls = false', HERE, ...LOGIN], 'ok'],
  [
    'a login in the clear to another',
    ['tls = false', AWAY, ...LOGIN],
    '2: kafka.tls: expected true',
  ],
  [
    'to one of them',
    ['tls = false', 'brokers = ["127.0.0.1:1", "127.0.0.1.example.org:1"]', ...LOGIN],
    '2: kafka.tls',
  ],
  ['a mechanism alone', [AWAY, LOGIN[0]], 'kafka.sasl_mechanism: expected all or none'],
  ['no mechanism', [AWAY, LOGIN[1], LOGIN[2]], 'kafka.sasl_mechanism: expected all or none'],
])('kafka: %s', async (_, lines, expected) => {
  expect(await outcome(`[kafka]\n${lines.join('\n')}\n`)).toContain(expected)
})

const SUPERVISED = ['socket = "/run/g"', 'supervise = true', '[http]', 'listen = "[::1]:0"']

test.each([
  ['a socket alone', ['socket = "/run/g"'], 'ok'],
  ['supervised', SUPERVISED, 'ok'],
  ['supervised without a place', SUPERVISED.slice(0, 2), '3: gateway.supervise: expected'],
  ['supervised without a socket', SUPERVISED.slice(1), '2: gateway.supervise: expected'],
  ['at the socket of everybody', ['socket = "/run/secreg/socket"'], '2: gateway.socket: expected'],
  ['a principal twice', ['may_assert = ["tailnet:a=x", "tailnet:a=x", "tailnet:b=x"]'], 'ok'],
  [
    'a principal of two accounts',
    ['may_assert = ["tailnet:a=x", "tailnet:a=y"]'],
    '2: gateway.may_assert: expected one account for tailnet:a',
  ],
])('gateway: %s', async (_, lines, expected) => {
  expect(await outcome(`[gateway]\n${lines.join('\n')}\n`)).toContain(expected)
})

test.each([
  ['a socket of its own', ['subauth.socket = "/run/secreg/subauth.sock"'], 'ok'],
  [
    'the socket of everybody',
    ['subauth.socket = "/run/secreg/socket"'],
    '1: subauth.socket: expected another socket than socket.path',
  ],
  [
    'that of gateways',
    ['gateway.socket = "/g"', 'subauth.socket = "/g"'],
    '2: subauth.socket: expected another socket than gateway.socket',
  ],
  [
    'that of figures',
    ['metrics.listen = "/m"', 'subauth.socket = "/m"'],
    '2: subauth.socket: expected another socket than metrics.listen',
  ],
  [
    'within the store',
    ['subauth.socket = "/var/lib/secreg/s"'],
    '1: subauth.socket: expected a place outside of database.path',
  ],
  [
    'libvirt and zones at one path',
    ['subauth.socket = "/s"', 'libvirt.socket = "/s"'],
    '2: libvirt.socket: expected another socket than subauth.socket',
  ],
  [
    'both of libvirt at one path',
    ['libvirt.socket = "/l"', 'libvirt.socket_read_only = "/l"'],
    '2: libvirt.socket_read_only: expected another socket than libvirt.socket',
  ],
  [
    'libvirt within the log',
    ['libvirt.socket = "/var/log/secreg/s"'],
    '1: libvirt.socket: expected a place outside of audit.path',
  ],
])('sockets: %s', async (_, lines, expected) => {
  expect(await outcome(`${lines.join('\n')}\n`)).toContain(expected)
})

test.each(['security.encrypt_prefixes', 'audit.value_hash_prefixes'])(
  '%s holds canonical paths',
  async (key) => {
    expect(await outcome(`${key} = ["/a"]`)).toBe('ok')
    expect(await outcome(`${key} = ["/a//b"]`)).toMatch(/^1: /)
  },
)
