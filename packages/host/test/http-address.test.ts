/** Where HTTP may be served, and whom a gateway may assert. */
import {
  ConfigError,
  parseAddressRange,
  parseAssertion,
  parseConfig,
  parseHttpAddress,
} from '@secreg/host'
import { expect, test } from 'vitest'

test.each([
  ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['0.0.0.0:8200', { host: '0.0.0.0', port: 8200 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  ['secrets.example.org:443', { host: 'secrets.example.org', port: 443 }],
])('an address: %s', (text, address) => {
  expect(parseHttpAddress(text)).toEqual(address)
  const { config } = parseConfig(`http.listen = ${JSON.stringify(text)}`, 'f')
  expect(config.http.listen).toBe(text)
})

test.each([
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:08',
  '127.0.0.1:65536',
  '::1:80',
  ':80',
  '/run/x',
  'a b:80',
  'http://x:80',
])('no address: %s', (text) => {
  expect(parseHttpAddress(text)).toBeUndefined()
  expect(() => parseConfig(`http.listen = ${JSON.stringify(text)}`, 'f')).toThrow(ConfigError)
})

test.each(['https://secrets.example.org', 'https://10.0.0.7:8443', 'https://[::1]:8443'])(
  'an origin: %s',
  (text) => {
    const { config } = parseConfig(`http.public_url = ${JSON.stringify(text)}`, 'f')
    expect(config.http.publicUrl).toBe(text)
  },
)

test.each([
  'http://secrets.example.org',
  'https://secrets.example.org/',
  'https://secrets.example.org:443',
  'https://Secrets.example.org',
  'https://secrets.example.org/base',
  'https://secrets.example.org?a',
  'https://secrets.example.org#a',
  'https://a@secrets.example.org',
  'https://a b',
  'https://',
  'secrets.example.org',
])('no origin: %s', (text) => {
  expect(() => parseConfig(`http.public_url = ${JSON.stringify(text)}`, 'f')).toThrow(ConfigError)
})

test.each([
  ['10.0.0.7', { family: 'ipv4', address: '10.0.0.7', prefix: 32 }],
  ['10.0.0.0/8', { family: 'ipv4', address: '10.0.0.0', prefix: 8 }],
  ['::1', { family: 'ipv6', address: '::1', prefix: 128 }],
  ['fd00::/8', { family: 'ipv6', address: 'fd00::', prefix: 8 }],
])('a range: %s', (text, range) => {
  expect(parseAddressRange(text)).toEqual(range)
  const { config } = parseConfig(`http.certificate_proxies = [${JSON.stringify(text)}]`, 'f')
  expect(config.http.certificateProxies).toEqual([text])
})

test.each([
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  '::1/129',
  '10.0.0/8',
  '10.0.0.0/08',
  '10.0.0.0/',
  'fe80::1%eth0',
  '*',
  'localhost',
  '',
])('no range: %j', (text) => {
  expect(parseAddressRange(text)).toBeUndefined()
  const line = `http.certificate_proxies = [${JSON.stringify(text)}]`
  expect(() => parseConfig(line, 'f')).toThrow(ConfigError)
})

test.each(['', 'a b', 'X:Y', 'ä', 'x'.repeat(65)])('no name of a header: %j', (text) => {
  const line = `http.certificate_header = ${JSON.stringify(text)}`
  expect(() => parseConfig(line, 'f')).toThrow(ConfigError)
})

const HEX = 'ab'.repeat(32)

test.each([
  ['tailnet:alice@example.com=alice', 'tailnet:alice@example.com', 'alice'],
  ['tailnet:jürgen@example.com=juergen', 'tailnet:jürgen@example.com', 'juergen'],
  ['tailnet:tag:web=web', 'tailnet:tag:web', 'web'],
  ['tailnet:a=b=c', 'tailnet:a=b', 'c'],
  [`cert:sha256:${HEX}=ci`, `cert:sha256:${HEX}`, 'ci'],
])('an assertion: %s', (text, principal, login) => {
  expect(parseAssertion(text)).toEqual({ principal, login })
  const { config } = parseConfig(`gateway.may_assert = [${JSON.stringify(text)}]`, 'f')
  expect(config.gateway.mayAssert).toEqual([text])
})

test.each([
  'alice',
  'tailnet:alice',
  'tailnet:=alice',
  'tailnet:a b=alice',
  'tailnet:a\u00a0b=alice',
  'tailnet:a\u202eb=alice',
  'tailnet:\ud800=alice',
  'tailnet:a=Alice',
  'user:alice=alice',
  'uid:0=root',
  'cert:sha256:AB=ci',
  `cert:sha256:${HEX}0=ci`,
  `cert:sha256:${HEX.toUpperCase()}=ci`,
  'tailnet:a=',
])('no assertion: %s', (text) => {
  expect(parseAssertion(text)).toBeUndefined()
  expect(() => parseConfig(`gateway.may_assert = [${JSON.stringify(text)}]`, 'f')).toThrow(
    ConfigError,
  )
})
