import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CertificateMaker, createTempHome } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, it, type TestContext } from 'vitest'
import { certificateOf } from '../../src/identity/forwarded-certificate.ts'
import { factsOf, reasonOf } from './facts.ts'

const HEADER = 'X-Forwarded-Tls-Client-Cert'
/** What the connection itself has shown. */
const OWN = Uint8Array.of(1, 2, 3)
const find = certificateOf({ proxies: ['10.0.0.0/8', '192.0.2.7', 'fd00::/8'], header: HEADER })

const from = (address: string, ...headers: string[]) =>
  find(factsOf({ headers, from: address, certificate: OWN }))

async function made(context: TestContext, days: number) {
  await using home = createTempHome()
  const { cert } = await CertificateMaker.in(home, context).make('client', { days })
  const pem = readFileSync(cert, 'utf8')
  return { pem, der: Buffer.from(new X509Certificate(pem).raw) }
}

describe('a certificate that a proxy has seen', () => {
  it('is found in every form in which proxies write it', async (context) => {
    const { pem, der } = await made(context, 2)
    const base64 = der.toString('base64')
    for (const text of [
      base64,
      `${base64},${Buffer.from('issuer').toString('base64')}`,
      `:${base64}:`,
      encodeURIComponent(base64),
      encodeURIComponent(pem),
      encodeURIComponent(pem + pem),
      pem.replaceAll('\n', ' '),
    ]) {
      for (const proxy of ['10.255.0.1', '::ffff:10.0.0.1', '192.0.2.7', 'fd12::1']) {
        expect(Buffer.from(from(proxy, HEADER.toUpperCase(), text) ?? [])).toEqual(der)
      }
    }
    // Bytes behind it are no part of it.
    const longer = Buffer.concat([der, Buffer.from('more')]).toString('base64')
    expect(Buffer.from(from('10.0.0.1', HEADER, longer) ?? [])).toEqual(der)
  })

  it('counts from proxies alone: from elsewhere, what the connection has shown', async (context) => {
    const { der } = await made(context, 2)
    for (const address of ['11.0.0.1', '192.0.2.8', 'fe00::1', '127.0.0.1', '', '/run/x']) {
      expect(from(address, HEADER, der.toString('base64'))).toBe(OWN)
      expect(from(address, HEADER, 'x', HEADER, 'y')).toBe(OWN)
    }
  })

  it('is none where the proxy says so: its own is not that of the client', () => {
    expect(from('10.0.0.1')).toBeUndefined()
    expect(from('10.0.0.1', HEADER, '')).toBeUndefined()
    expect(from('10.0.0.1', 'X-Other', 'x')).toBeUndefined()
  })

  it('proves nothing once it has expired', async (context) => {
    const { der } = await made(context, -1)
    expect(from('10.0.0.1', HEADER, der.toString('base64'))).toBeUndefined()
  })

  it('is refused where it comes twice, or is none', async (context) => {
    const { der } = await made(context, 2)
    const base64 = der.toString('base64')
    const refused = (...headers: string[]) => reasonOf(() => from('10.0.0.1', ...headers))
    expect(refused(HEADER, base64, HEADER, base64)).toBe('INVALID_ARGUMENT')
    for (const text of [
      'x',
      ',',
      `,${base64}`,
      '%',
      '%zz',
      `::${base64}::`,
      base64.slice(0, 100),
      `Hash=${'a'.repeat(64)}`,
      'A'.repeat(32 * 1024 + 1),
      '-----BEGIN CERTIFICATE-----',
    ]) {
      expect(refused(HEADER, text), text.slice(0, 40)).toBe('INVALID_ARGUMENT')
    }
  })

  it('is found or refused, whatever the header holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 200 }), (text) => {
        const reason = reasonOf(() => from('10.0.0.1', HEADER, text))
        expect([undefined, 'INVALID_ARGUMENT']).toContain(reason)
      }),
    )
  })
})

it('is of nobody without proxies', () => {
  const none = certificateOf({ proxies: [], header: HEADER })
  for (const address of ['127.0.0.1', '::1', '10.0.0.1']) {
    expect(none(factsOf({ headers: [HEADER, 'x'], from: address }))).toBeUndefined()
  }
})

it('takes no proxies that are none', () => {
  expect(() => certificateOf({ proxies: ['everybody'], header: HEADER })).toThrow(RangeError)
})
