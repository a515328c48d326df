/** Where figures may be served: nowhere that another machine reaches. */
import { ConfigError, parseConfig, parseMetricsAddress } from '@secreg/host'
import { expect, test } from 'vitest'

test.each([
  ['/run/secreg/metrics', { kind: 'unix', path: '/run/secreg/metrics' }],
  ['127.0.0.1:9090', { kind: 'tcp', host: '127.0.0.1', port: 9090 }],
  ['[::1]:1', { kind: 'tcp', host: '::1', port: 1 }],
  ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65_535 }],
])('%s', (text, address) => {
  expect(parseMetricsAddress(text)).toEqual(address)
  const { config } = parseConfig(`metrics.listen = ${JSON.stringify(text)}`, 'f')
  expect(config.metrics.listen).toBe(text)
})

test.each([
  '0.0.0.0:9090',
  '[::]:9090',
  '[::ffff:127.0.0.1]:9090',
  '[0:0:0:0:0:0:0:1]:9090',
  '[::1%lo]:9090',
  '::1:9090',
  '127.0.0.2:9090',
  '127.1:9090',
  '2130706433:9090',
  '0x7f.0.0.1:9090',
  '127.0.0.1',
  '127.0.0.1:',
  '127.0.0.1:0',
  '127.0.0.1:09090',
  '127.0.0.1:65536',
  '127.0.0.1:9090/',
  '127.0.0.1:9090\n',
  'x127.0.0.1:9090',
  'localhost:9090',
  ':9090',
  '9090',
  'http://127.0.0.1:9090',
  'example.org:9090',
  'run/metrics',
  '/run/metrics/',
  '/run/a\u0000b',
  `/${'x'.repeat(107)}`,
])('refuses %j with its line', (text) => {
  expect(parseMetricsAddress(text)).toBeUndefined()
  const parse = () => parseConfig(`\n[metrics]\nlisten = ${JSON.stringify(text)}`, 'f')
  expect(parse).toThrow(ConfigError)
  expect(parse).toThrow('f:3: metrics.listen: expected an absolute path')
})

test('it is off by default, and by an empty text', () => {
  expect(parseConfig('', 'f').config.metrics.listen).toBeUndefined()
  expect(parseConfig('metrics.listen = ""', 'f').config.metrics.listen).toBeUndefined()
})
