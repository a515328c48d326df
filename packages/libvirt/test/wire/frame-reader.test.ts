import { FrameReader, LIBVIRT_CODES, LIBVIRT_LIMITS, LibvirtError } from '@secreg/libvirt'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const HEADER = 28

/** A frame with a length word of any value. */
function bytesOf(body: Uint8Array, length = HEADER + body.length): Uint8Array {
  const bytes = new Uint8Array(HEADER + body.length)
  const view = new DataView(bytes.buffer)
  const words = [length, 0x2000_8086, 1, 0xffff_ffff, 0, 0xffff_ffff, 0]
  for (const [at, word] of words.entries()) view.setUint32(4 * at, word)
  bytes.set(body, HEADER)
  return bytes
}

function readAll(reader: FrameReader): Uint8Array[] {
  const bodies: Uint8Array[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    bodies.push(frame.body)
  }
  return bodies
}

function failureOf(run: () => unknown): LibvirtError {
  try {
    run()
  } catch (error) {
    if (LibvirtError.is(error)) return error
    throw error
  }
  throw new Error('expected a failure')
}

describe('one frame', () => {
  test('the header is read as it is', () => {
    const reader = new FrameReader()
    reader.push(bytesOf(Uint8Array.of(1, 2, 3)))
    expect(reader.next()).toEqual({
      program: 0x2000_8086,
      version: 1,
      procedure: -1,
      type: 0,
      serial: 0xffff_ffff,
      status: 0,
      body: Uint8Array.of(1, 2, 3),
    })
    expect(reader.next()).toBeUndefined()
  })

  test('the body is memory of its own', () => {
    const chunk = bytesOf(Uint8Array.of(7, 7, 7, 7))
    const reader = new FrameReader()
    reader.push(chunk)
    const frame = reader.next()
    chunk.fill(0)
    expect(frame?.body).toEqual(Uint8Array.of(7, 7, 7, 7))
    expect(frame?.body.buffer.byteLength).toBe(4)
  })

  test('any split into three gives the same', () => {
    const bytes = bytesOf(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))
    for (let one = 0; one <= bytes.length; one++) {
      for (let two = one; two <= bytes.length; two++) {
        const reader = new FrameReader()
        const bodies: Uint8Array[] = []
        for (const part of [
          bytes.subarray(0, one),
          bytes.subarray(one, two),
          bytes.subarray(two),
        ]) {
          reader.push(part)
          bodies.push(...readAll(reader))
        }
        expect(bodies).toEqual([bytes.subarray(HEADER)])
      }
    }
  })
})

describe('lengths', () => {
  test.each([0, 1, 4, 27, LIBVIRT_LIMITS.frameBytes + 1, 0x7fff_ffff, 0xffff_ffff])(
    '%i is refused, from then on always',
    (length) => {
      const reader = new FrameReader()
      reader.push(bytesOf(new Uint8Array(0), length))
      const failure = failureOf(() => reader.next())
      expect(failure.code).toBe(LIBVIRT_CODES.RPC)
      reader.push(bytesOf(new Uint8Array(0)))
      expect(failureOf(() => reader.next())).toBe(failure)
    },
  )

  test('is refused as soon as it is known', () => {
    const reader = new FrameReader()
    reader.push(Uint8Array.of(0, 0, 0))
    expect(reader.next()).toBeUndefined()
    reader.push(Uint8Array.of(27))
    expect(failureOf(() => reader.next()).message).toBe(
      'packet of 27 bytes, expected 28 to 33554436',
    )
  })

  test('the maximum can change from frame to frame', () => {
    const reader = new FrameReader(HEADER + 4)
    const body = new Uint8Array(8)
    reader.push(bytesOf(body.subarray(0, 4)))
    reader.push(bytesOf(body))
    expect(reader.next()?.body).toHaveLength(4)
    reader.maxFrameBytes = HEADER + 8
    expect(reader.next()?.body).toHaveLength(8)
    reader.maxFrameBytes = HEADER + 7
    reader.push(bytesOf(body))
    expect(failureOf(() => reader.next()).message).toBe('packet of 36 bytes, expected 28 to 35')
  })

  test.each([27, 28.5, Number.NaN, -1, LIBVIRT_LIMITS.frameBytes + 1])(
    'maximum %d is a RangeError',
    (most) => {
      expect(() => new FrameReader(most)).toThrow(RangeError)
      expect(() => {
        new FrameReader().maxFrameBytes = most
      }).toThrow(RangeError)
    },
  )

  test.each([null, '28', {}, true])('maximum %j is a TypeError', (most) => {
    expect(() => new FrameReader(most as never)).toThrow(TypeError)
  })

  test.each([undefined, null, 'x', [1], 7])('chunk %j is a TypeError', (chunk) => {
    expect(() => new FrameReader().push(chunk as never)).toThrow(TypeError)
  })
})

describe('memory', () => {
  test('is for what came, not for what is announced', () => {
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 64 }, () => new FrameReader())
    for (const reader of readers) {
      reader.push(bytesOf(new Uint8Array(16), LIBVIRT_LIMITS.frameBytes))
      expect(reader.next()).toBeUndefined()
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1_048_576)
    expect(readers.every((reader) => !reader.isBetweenFrames)).toBe(true)
  })

  test('a long frame in single bytes copies each a few times only', () => {
    const bytes = bytesOf(new Uint8Array(1_048_576).fill(5))
    const reader = new FrameReader()
    let copied = 0
    const set = Uint8Array.prototype.set
    Uint8Array.prototype.set = function (source: ArrayLike<number>, at?: number) {
      copied += source.length
      set.call(this, source, at)
    }
    const bodies: Uint8Array[] = []
    try {
      for (let at = 0; at < bytes.length; at++) {
        reader.push(bytes.subarray(at, at + 1))
        bodies.push(...readAll(reader))
      }
    } finally {
      Uint8Array.prototype.set = set
    }
    expect(bodies).toHaveLength(1)
    expect(Buffer.from(bodies[0] as Uint8Array).equals(bytes.subarray(HEADER))).toBe(true)
    expect(copied).toBeLessThan(3 * bytes.length)
  })

  test('what is pushed and not taken is counted', () => {
    const reader = new FrameReader()
    const bytes = bytesOf(new Uint8Array(4))
    reader.push(bytes)
    reader.push(bytes.subarray(0, 30))
    expect(reader.pendingBytes).toBe(62)
    reader.next()
    expect(reader.pendingBytes).toBe(30)
    reader.next()
    expect(reader.pendingBytes).toBe(0)
    expect(reader.isBetweenFrames).toBe(false)
  })

  test('a reader that was wiped begins anew', () => {
    const reader = new FrameReader()
    const bytes = bytesOf(Uint8Array.of(1, 2, 3, 4))
    reader.push(bytes.subarray(0, 30))
    reader.next()
    reader.push(bytes)
    reader.wipe()
    expect(reader.isBetweenFrames).toBe(true)
    reader.push(bytes)
    expect(readAll(reader)).toEqual([Uint8Array.of(1, 2, 3, 4)])
  })
})

test('any bytes in any pieces: frames or own errors, and the same ones', () => {
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.uint8Array({ maxLength: 40 }).map((body) => bytesOf(body)),
  )
  const outcome = (chunks: readonly Uint8Array[]): unknown[] => {
    const reader = new FrameReader(HEADER + 64)
    const seen: unknown[] = []
    try {
      for (const part of chunks) {
        reader.push(part)
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) seen.push(frame)
      }
    } catch (error) {
      if (!LibvirtError.is(error)) throw error
      seen.push(error.message)
    }
    return seen
  }
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 6 }), (chunks) => {
      const stream = new Uint8Array(Buffer.concat(chunks))
      const whole = outcome([stream])
      expect(outcome(chunks)).toEqual(whole)
      expect(outcome(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(whole)
    }),
  )
})
