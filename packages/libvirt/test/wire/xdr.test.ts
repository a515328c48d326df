import { LIBVIRT_CODES, LibvirtError, XdrReader, XdrWriter } from '@secreg/libvirt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hexOf } from './recorded.ts'

function written(write: (writer: XdrWriter) => void): string {
  const writer = new XdrWriter()
  write(writer)
  return hexOf(writer.bytes())
}

const read = (hex: string): XdrReader => new XdrReader(Uint8Array.from(Buffer.from(hex, 'hex')))

function refused(run: () => unknown): boolean {
  try {
    run()
  } catch (error) {
    if (LibvirtError.is(error, LIBVIRT_CODES.RPC)) return true
    throw error
  }
  return false
}

describe('written', () => {
  test.each<[string, (writer: XdrWriter) => void]>([
    ['ffffffff', (writer) => writer.int(-1)],
    ['80000000', (writer) => writer.int(-0x8000_0000)],
    ['ffffffff', (writer) => writer.uint(0xffff_ffff)],
    ['ffffffffffffffff', (writer) => writer.hyper(-1n)],
    ['8000000000000000', (writer) => writer.uhyper(1n << 63n)],
    ['3ff8000000000000', (writer) => writer.double(1.5)],
    ['00000001', (writer) => writer.flag(true)],
    ['00000000', (writer) => writer.flag(false)],
    ['00000000', (writer) => writer.opaque(new Uint8Array(0), 0)],
    ['0000000107000000', (writer) => writer.opaque(Uint8Array.of(7), 1)],
    ['00000004' + '07070707', (writer) => writer.opaque(new Uint8Array(4).fill(7), 4)],
    [
      '0506070000000000',
      (writer) => {
        writer.fixed(Uint8Array.of(5, 6, 7), 3)
        writer.uint(0)
      },
    ],
    ['00000003' + 'e282ac00', (writer) => writer.string('€', 3)],
    ['00000003' + 'efbbbf00', (writer) => writer.string('\ufeff', 3)],
  ])('%s', (hex, write) => {
    expect(written(write)).toBe(hex)
  })

  test('memory grows, whatever is written when it is full', () => {
    const filled = (count: number) => {
      const writer = new XdrWriter()
      for (let word = 0; word < count; word++) writer.uint(word)
      return writer
    }
    for (let count = 60; count <= 64; count++) {
      const writer = filled(count)
      writer.uhyper(0x0102_0304_0506_0708n)
      writer.opaque(new Uint8Array(1_000).fill(9), 1_000)
      writer.int(-2)
      const hex = hexOf(writer.bytes())
      expect(hex).toBe(
        hexOf(filled(count).bytes()) +
          `0102030405060708${'000003e8'}${'09'.repeat(1_000)}${'fffffffe'}`,
      )
    }
  })

  test('memory that is outgrown is wiped', () => {
    const writer = new XdrWriter()
    writer.opaque(new Uint8Array(16).fill(0x5a), 16)
    const outgrown = writer.bytes()
    expect(outgrown.includes(0x5a)).toBe(true)
    writer.opaque(new Uint8Array(1_000), 1_000)
    expect(outgrown.includes(0x5a)).toBe(false)
    const now = writer.bytes()
    expect(now.includes(0x5a)).toBe(true)
    writer.wipe()
    expect(now.includes(0x5a)).toBe(false)
  })

  test.each<[string, (writer: XdrWriter) => void]>([
    ['int 2^31', (writer) => writer.int(0x8000_0000)],
    ['int 0.5', (writer) => writer.int(0.5)],
    ['uint -1', (writer) => writer.uint(-1)],
    ['uint NaN', (writer) => writer.uint(Number.NaN)],
    ['uint 2^32', (writer) => writer.uint(0x1_0000_0000)],
    ['hyper 2^63', (writer) => writer.hyper(1n << 63n)],
    ['uhyper -1', (writer) => writer.uhyper(-1n)],
    ['fixed of another length', (writer) => writer.fixed(new Uint8Array(15), 16)],
    ['text with NUL', (writer) => writer.string('a\0b', 9)],
    ['half a surrogate pair', (writer) => writer.string('\ud800x', 9)],
  ])('%s is a RangeError', (_, write) => {
    expect(() => written(write)).toThrow(RangeError)
  })

  test.each<[string, (writer: XdrWriter) => void]>([
    ['int', (writer) => writer.int('1' as never)],
    ['uint', (writer) => writer.uint(undefined as never)],
    ['hyper', (writer) => writer.hyper(1 as never)],
    ['uhyper', (writer) => writer.uhyper(null as never)],
    ['double', (writer) => writer.double(1n as never)],
    ['flag', (writer) => writer.flag(1 as never)],
    ['fixed', (writer) => writer.fixed([1] as never, 1)],
    ['opaque', (writer) => writer.opaque('x' as never, 1)],
    ['string', (writer) => writer.string(Uint8Array.of(1) as never, 1)],
  ])('%s of another type is a TypeError', (_, write) => {
    expect(() => written(write)).toThrow(TypeError)
  })

  test('what is too long is refused', () => {
    expect(refused(() => written((writer) => writer.opaque(new Uint8Array(5), 4)))).toBe(true)
    expect(refused(() => written((writer) => writer.string('xxxxx', 4)))).toBe(true)
    expect(refused(() => written((writer) => writer.string('€€', 5)))).toBe(true)
    expect(refused(() => written((writer) => writer.count(5, 4)))).toBe(true)
  })
})

describe('read', () => {
  test.each<[string, (reader: XdrReader) => unknown, unknown]>([
    ['ffffffff', (reader) => reader.int(), -1],
    ['ffffffff', (reader) => reader.uint(), 0xffff_ffff],
    ['ffffffffffffffff', (reader) => reader.hyper(), -1n],
    ['ffffffffffffffff', (reader) => reader.uhyper(), (1n << 64n) - 1n],
    ['3ff8000000000000', (reader) => reader.double(), 1.5],
    ['00000000', (reader) => reader.flag(), false],
    ['01000000', (reader) => reader.flag(), true],
    ['80000000', (reader) => reader.flag(), true],
    ['0000000107abcdef', (reader) => reader.opaque(1), Uint8Array.of(7)],
    ['00000000', (reader) => reader.string(0), ''],
    ['00000003efbbbf00', (reader) => reader.string(3), '\ufeff'],
  ])('%s', (hex, take, wanted) => {
    const reader = read(hex)
    expect(take(reader)).toEqual(wanted)
    expect(reader.left).toBe(0)
  })

  test.each<[string, (reader: XdrReader) => unknown]>([
    ['', (reader) => reader.int()],
    ['000000', (reader) => reader.uint()],
    ['00000000000000', (reader) => reader.hyper()],
    ['00000000000000', (reader) => reader.uhyper()],
    ['00000000000000', (reader) => reader.double()],
    ['', (reader) => reader.flag()],
    ['070707', (reader) => reader.fixed(3)],
    ['00000001070000', (reader) => reader.opaque(1)],
    ['0000000200000000', (reader) => reader.opaque(1)],
    ['ffffffff00000000', (reader) => reader.opaque(0xffff_ffff)],
    ['0000000500000000', (reader) => reader.string(9)],
    ['0000000361006200', (reader) => reader.string(9)],
    ['00000002c0800000', (reader) => reader.string(9)],
    ['00000003eda08000', (reader) => reader.string(9)],
    ['00000001ff000000', (reader) => reader.string(9)],
    ['00000005', (reader) => reader.count(4)],
  ])('%s is refused', (hex, take) => {
    expect(refused(() => take(read(hex)))).toBe(true)
  })

  test('opaque bytes are a view', () => {
    const bytes = Uint8Array.of(0, 0, 0, 1, 7, 0, 0, 0)
    const value = new XdrReader(bytes).opaque(1)
    value.fill(0)
    expect(bytes[4]).toBe(0)
  })

  test('the view of a part stays within it', () => {
    const whole = Uint8Array.of(9, 9, 0, 0, 0, 5, 9, 9)
    const reader = new XdrReader(whole.subarray(2, 6))
    expect(reader.uint()).toBe(5)
    expect(refused(() => reader.uint())).toBe(true)
  })
})

test('what is written is read', () => {
  const text = fc.string({ unit: 'binary' }).filter((value) => !/\p{Surrogate}|\0/u.test(value))
  fc.assert(
    fc.property(
      fc.integer(),
      fc.nat(0xffff_ffff),
      fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
      fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      fc.double(),
      fc.uint8Array({ maxLength: 700 }),
      text,
      (int, uint, hyper, uhyper, double, opaque, string) => {
        const writer = new XdrWriter()
        writer.int(int)
        writer.opaque(opaque, 700)
        writer.uint(uint)
        writer.hyper(hyper)
        writer.string(string, 4_096)
        writer.uhyper(uhyper)
        writer.double(double)
        const reader = new XdrReader(writer.bytes())
        expect(reader.int()).toBe(int)
        expect(reader.opaque(700)).toEqual(opaque)
        expect(reader.uint()).toBe(uint)
        expect(reader.hyper()).toBe(hyper)
        expect(reader.string(4_096)).toBe(string)
        expect(reader.uhyper()).toBe(uhyper)
        expect(reader.double()).toBe(double)
        expect(reader.left).toBe(0)
      },
    ),
  )
})
