import { writeFileSync } from 'node:fs'
import { ConfigError } from '@secreg/host'
import { createTempHome } from '@secreg/testkit'
import { describe, expect, it } from 'vitest'
import { shareOf, workersOf } from '../src/gateway-config.ts'
import { isLoopback, urlOf } from '../src/listen-address.ts'
import { load } from '../src/load-config.ts'
import { HTTP_DEFAULTS } from './support/test-gateway.ts'

it('urlOf writes IPv6 in brackets', () => {
  expect(urlOf('http', { host: '127.0.0.1', port: 8200 })).toBe('http://127.0.0.1:8200')
  expect(urlOf('https', { host: '::1', port: 1 })).toBe('https://[::1]:1')
  expect(urlOf('https', { host: 'localhost', port: 443 })).toBe('https://localhost:443')
})

it.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['128.0.0.1', false],
  ['127.0.0.1.evil.example', false],
  ['::ffff:10.0.0.1', false],
  ['', false],
])('isLoopback(%j) is %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected)
})

describe('the share of a worker', () => {
  it('is its part of what all may use', () => {
    const http = {
      ...HTTP_DEFAULTS,
      workers: 4,
      maxConnections: 10_240,
      bufferBytes: 64 * 1024 * 1024,
    }
    expect(workersOf(http)).toBe(4)
    expect(shareOf(http)).toEqual({
      streams: 4,
      maxConnections: 2560,
      bufferBytes: 16 * 1024 * 1024,
    })
  })

  it('is never less than is needed for one request', () => {
    const http = { ...HTTP_DEFAULTS, workers: 4, maxConnections: 2, bufferBytes: 1000 }
    expect(shareOf(http)).toEqual({ streams: 4, maxConnections: 1, bufferBytes: http.maxBodyBytes })
  })

  it('is one for each core where the number is left open, at most eight', () => {
    expect(workersOf({ ...HTTP_DEFAULTS, workers: 0 })).toBeGreaterThanOrEqual(1)
    expect(workersOf({ ...HTTP_DEFAULTS, workers: 0 })).toBeLessThanOrEqual(8)
  })
})

describe('load', () => {
  const write = (file: string, text: string): string => {
    writeFileSync(file, text, { mode: 0o600 })
    return file
  }

  it('takes the file of the daemon', async () => {
    await using home = createTempHome()
    const text =
      '[http]\nlisten = "127.0.0.1:0"\nworkers = 2\n[gateway]\nsocket = "/run/secreg/gateway"\n'
    expect(load(write(home.file('c.toml'), text))).toMatchObject({
      listen: { host: '127.0.0.1', port: 0 },
      socket: '/run/secreg/gateway',
      http: { workers: 2 },
    })
  })

  it.each([
    ['[gateway]\nsocket = "/s"\n', 'http.listen'],
    ['[http]\nlisten = "127.0.0.1:8200"\n', 'gateway.socket'],
  ])('says which key is missing', async (text, key) => {
    await using home = createTempHome()
    const file = write(home.file('c.toml'), text)
    expect(() => load(file)).toThrow(ConfigError)
    expect(() => load(file)).toThrow(key)
  })

  it('does not start with certificates that cannot be read', async () => {
    await using home = createTempHome()
    const tls = `tls_cert = "${home.file('absent')}"\ntls_key = "${home.file('absent')}"\n`
    const text = `[http]\nlisten = "127.0.0.1:0"\n${tls}[gateway]\nsocket = "/s"\n`
    expect(() => load(write(home.file('c.toml'), text))).toThrow(
      'http.tls_cert: cannot be read: ENOENT',
    )
  })
})
