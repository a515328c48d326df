import { FrameReader, KEEPALIVE_PROGRAM, keepaliveOf, writeKeepalive } from '@secreg/libvirt'
import { describe, expect, test } from 'vitest'
import { hexOf } from './recorded.ts'

const PING = {
  program: KEEPALIVE_PROGRAM,
  version: 1,
  procedure: 1,
  type: 2,
  serial: 0,
  status: 0,
}

describe('keepalive', () => {
  test.each([
    ['ping', '0000001c6b656570000000010000000100000002' + '0000000000000000'],
    ['pong', '0000001c6b656570000000010000000200000002' + '0000000000000000'],
  ] as const)('%s', (procedure, hex) => {
    const bytes = writeKeepalive(procedure)
    expect(hexOf(bytes)).toBe(hex)
    const reader = new FrameReader()
    reader.push(bytes)
    expect(keepaliveOf(reader.next() ?? PING)).toBe(procedure)
  })

  test('the serial does not matter', () => {
    expect(keepaliveOf({ ...PING, serial: 9 })).toBe('ping')
  })

  test.each([
    ['another program', { program: 0x2000_8086 }],
    ['another version', { version: 2 }],
    ['a call', { type: 0 }],
    ['a reply', { type: 1 }],
    ['another procedure', { procedure: 3 }],
    ['no procedure', { procedure: 0 }],
  ])('%s is neither', (_, other) => {
    expect(keepaliveOf({ ...PING, ...other })).toBeUndefined()
  })
})
