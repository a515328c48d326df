import { createHmac } from 'node:crypto'
import { createRowCheck, ROW_TAG_BYTES } from '@secreg/crypto/node'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from './support.ts'

const key = new Uint8Array(32).map((_, i) => i)
const check = createRowCheck(key)
const row = utf8('value')

test('a tag is the documented HMAC', () => {
  const keys = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(
    fc.property(keys, fc.uint8Array({ maxLength: 5000 }), (rowKey, content) => {
      const name = Buffer.from(rowKey)
      const head = Buffer.alloc(4)
      head.writeUInt32BE(name.length)
      const hmac = createHmac('sha256', key).update(head).update(name).update(content).digest()
      const tag = check.tag(rowKey, content)
      expect(Buffer.compare(tag, hmac.subarray(0, 16))).toBe(0)
      expect(check.verify(rowKey, content, tag)).toBe(true)
    }),
  )
})

test('keys on both sides of the scratch length', () => {
  for (const length of [0, 1023, 1024, 1025, 5000]) {
    const rowKey = '€'.repeat(length)
    const name = Buffer.from(rowKey)
    const head = Buffer.alloc(4)
    head.writeUInt32BE(name.length)
    const hmac = createHmac('sha256', key).update(head).update(name).update(row).digest()
    expect(Buffer.compare(check.tag(rowKey, row), hmac.subarray(0, 16))).toBe(0)
  }
})

test('a tag is a fresh plain array of 16 bytes', () => {
  const tag = check.tag('a', row)
  expect(Object.getPrototypeOf(tag)).toBe(Uint8Array.prototype)
  expect(tag.buffer.byteLength).toBe(ROW_TAG_BYTES)
})

test('a byte moved between key and row gives another tag', () => {
  expect(check.tag('ab', utf8('c'))).not.toEqual(check.tag('a', utf8('bc')))
  expect(check.tag('', utf8('abc'))).not.toEqual(check.tag('abc', utf8('')))
})

test('a flipped bit of row, tag or key, or another length, is refused', () => {
  const tag = check.tag('/app/key', row)
  const flip = (bytes: Uint8Array, bit: number) => {
    const copy = bytes.slice()
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
    return copy
  }
  for (let bit = 0; bit < tag.length * 8; bit++) {
    expect(check.verify('/app/key', row, flip(tag, bit))).toBe(false)
  }
  for (let bit = 0; bit < row.length * 8; bit++) {
    expect(check.verify('/app/key', flip(row, bit), tag)).toBe(false)
  }
  for (let bit = 0; bit < 256; bit++) {
    expect(createRowCheck(flip(key, bit)).verify('/app/key', row, tag)).toBe(false)
  }
  expect(check.verify('/app/key2', row, tag)).toBe(false)
  for (const length of [0, 8, 15, 17, 32]) {
    expect(check.verify('/app/key', row, new Uint8Array(length))).toBe(false)
  }
})

test('the key is copied', () => {
  const own = key.slice()
  const copy = createRowCheck(own)
  own.fill(0)
  expect(copy.tag('a', row)).toEqual(check.tag('a', row))
})

test('arguments', () => {
  const bad = (value: unknown) => value as never
  expect(() => createRowCheck(bad('x'))).toThrow(TypeError)
  expect(() => createRowCheck(new Uint8Array(16))).toThrow(RangeError)
  expect(() => check.tag(bad(1), row)).toThrow(TypeError)
  expect(() => check.tag('a', bad('x'))).toThrow(TypeError)
  expect(() => check.verify('a', row, bad('x'))).toThrow(TypeError)
})
