import { networkInterfaces } from 'node:os'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLoopback, isOwnAddress, normalAddress, sourceOf } from '../../src/identity/address.ts'

describe('normal form', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:1::0001', '2001:db8::1:0:0:1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is %s', (text, address) => {
    expect(normalAddress(text)).toBe(address)
  })

  it.each([
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '127.0.0.1:80',
    '[::1]',
    '1.2.3.4 ',
    '::g',
    '1.2.3.4%eth0',
    ' ::1',
  ])('%j is no address', (text) => {
    expect(normalAddress(text)).toBeUndefined()
  })

  it('is stable, whatever address it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const once = normalAddress(text) as string
        expect(normalAddress(once)).toBe(once)
        expect(sourceOf(once)).toMatch(/^[0-9a-f.:/]+$/)
      }),
    )
  })

  it('any text gives an address or nothing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void normalAddress(text)))
  })
})

it('loopback is of this host alone', () => {
  expect(['127.0.0.1', '127.255.255.254', '::1'].every(isLoopback)).toBe(true)
  expect(['128.0.0.1', '12.7.0.1', '::2', '::', '127::1', '0.0.0.0'].some(isLoopback)).toBe(false)
})

it('knows addresses of this machine, loopback not counted', () => {
  expect(isOwnAddress('127.0.0.1')).toBe(false)
  expect(isOwnAddress('192.0.2.55')).toBe(false)
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  for (const { address } of all.filter((one) => !one.internal)) {
    expect(isOwnAddress(normalAddress(address) as string)).toBe(true)
  }
})

it('an IPv6 source is a /64', () => {
  expect(sourceOf('192.0.2.1')).toBe('192.0.2.1')
  expect(sourceOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
  expect(sourceOf('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64')
  expect(sourceOf('2001:db8::1')).toBe('2001:db8:0:0::/64')
  expect(sourceOf('2001:db8::1:0:0:1')).toBe('2001:db8:0:0::/64')
  expect(sourceOf('::1')).toBe('0:0:0:0::/64')
  expect(sourceOf('::')).toBe('0:0:0:0::/64')
})
