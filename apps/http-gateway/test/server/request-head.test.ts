import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { isOwnHost } from '../../src/server/host-policy.ts'
import { readHead } from '../../src/server/request-head.ts'

describe('readHead', () => {
  it('reads names in any case, and values as they are', () => {
    const raw = ['HOST', 'h', 'content-TYPE', 'Application/JSON; a=b', 'CONTENT-LENGTH', '007']
    expect(
      readHead([...raw, 'Sec-X-Tailscale-No-Browsers', ' SETEC', 'ORIGIN', 'null'], '1.1'),
    ).toEqual({
      host: 'h',
      contentType: 'Application/JSON; a=b',
      contentLength: 7,
      chunked: false,
      guard: ' SETEC',
      origin: 'null',
    })
  })

  it('knows no host only in HTTP/1.0', () => {
    expect(readHead([], '1.0').host).toBeUndefined()
    expect(() => readHead([], '1.1')).toThrow(GatewayError)
  })

  it('takes names of the prototype for what they are', () => {
    const raw = [
      'Host',
      'h',
      '__proto__',
      'a',
      '__proto__',
      'b',
      'constructor',
      'c',
      'toString',
      'd',
    ]
    expect(readHead(raw, '1.1').host).toBe('h')
  })

  it('fails with nothing but its own refusals, which quote nothing', () => {
    const name = fc.constantFrom(
      'Host',
      'Content-Length',
      'Transfer-Encoding',
      'Expect',
      'X',
      'Origin',
    )
    const value = fc.oneof(fc.constantFrom('chunked', '0', '5', '100-continue'), fc.string())
    const headers = fc.array(fc.tuple(name, value), { maxLength: 6 })
    fc.assert(
      fc.property(headers, fc.constantFrom('1.1', '1.0', '2.0', ''), (pairs, version) => {
        try {
          const { chunked, contentLength } = readHead(pairs.flat(), version)
          expect(chunked && contentLength !== undefined).toBe(false)
        } catch (error) {
          expect(GatewayError.is(error)).toBe(true)
        }
      }),
    )
  })
})

describe('isOwnHost', () => {
  const policy = { names: new Set(['secrets.internal']), tailscaleServe: false }
  const serve = { ...policy, tailscaleServe: true }

  it.each([
    ['127.0.0.1', true],
    ['127.0.0.1:8200', true],
    ['127.1.2.3', true],
    ['10.0.0.1', true],
    ['[::1]:8200', true],
    ['[::1]', true],
    ['localhost', true],
    ['LOCALHOST:1', true],
    ['secrets.internal', true],
    ['Secrets.Internal:80', true],
    [undefined, true],
    ['evil.example', false],
    ['localhost.evil.example', false],
    ['evil-localhost', false],
    ['127.0.0.1.evil.example', false],
    ['127.0.0.1@evil.example', false],
    ['127.0.0.1:80:80', false],
    ['localhost.', false],
    ['[localhost]', false],
    ['web.tail1234.ts.net', false],
    ['', false],
    [' localhost', false],
  ])('of %j on the loopback says %s', (host, own) => {
    expect(isOwnHost(host, '127.0.0.1', false, policy)).toBe(own)
    expect(isOwnHost(host, '::1', false, policy)).toBe(own)
    expect(isOwnHost(host, '::ffff:127.0.0.1', false, policy)).toBe(own)
  })

  it('takes names of a tailnet behind tailscale serve, and no others', () => {
    expect(isOwnHost('web.tail1234.ts.net', '127.0.0.1', false, serve)).toBe(true)
    expect(isOwnHost('web.tail1234.ts.net.evil.example', '127.0.0.1', false, serve)).toBe(false)
    expect(isOwnHost('evilts.net', '127.0.0.1', false, serve)).toBe(false)
  })

  it('takes every name elsewhere, where a page has no way in that others lack', () => {
    expect(isOwnHost('any.example', '192.0.2.1', false, policy)).toBe(true)
    expect(isOwnHost('any.example', '127.0.0.1', true, policy)).toBe(true)
    expect(isOwnHost('a b', '192.0.2.1', false, policy)).toBe(false)
  })
})
