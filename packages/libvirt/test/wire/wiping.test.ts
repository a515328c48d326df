import { FrameReader, LibvirtError, writeReply } from '@secreg/libvirt'
import { expect, test } from 'vitest'

const MARK = 0x5a

/** All memory into which bytes were copied during a run. */
function memoryOf(run: () => void): Set<ArrayBufferLike> {
  const memory = new Set<ArrayBufferLike>()
  const set = Uint8Array.prototype.set
  Uint8Array.prototype.set = function (source: ArrayLike<number>, at?: number) {
    memory.add(this.buffer)
    set.call(this, source, at)
  }
  try {
    run()
  } finally {
    Uint8Array.prototype.set = set
  }
  return memory
}

const marked = (memory: Iterable<ArrayBufferLike>): ArrayBufferLike[] =>
  [...memory].filter((buffer) => new Uint8Array(buffer).includes(MARK))

const secret = (length: number): Uint8Array => new Uint8Array(length).fill(MARK)

function pushInPieces(reader: FrameReader, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; from += 1_000) {
    reader.push(bytes.subarray(from, from + 1_000))
    reader.next()
  }
}

test('a value that was read in pieces is in one place', () => {
  const bytes = writeReply('secretGetValue', { value: secret(60_000) }, 1)
  let body = new Uint8Array(0)
  const memory = memoryOf(() => {
    const reader = new FrameReader()
    pushInPieces(reader, bytes.subarray(0, -1))
    reader.push(bytes.subarray(-1))
    body = Uint8Array.from(reader.next()?.body ?? [])
  })
  expect(body).toHaveLength(60_004)
  expect(memory.size).toBeGreaterThan(3)
  expect(marked(memory)).toHaveLength(1)
})

test('a value that came in part is gone after wiping', () => {
  const bytes = writeReply('secretGetValue', { value: secret(60_000) }, 1)
  const reader = new FrameReader()
  const memory = memoryOf(() => pushInPieces(reader, bytes.subarray(0, 30_000)))
  expect(marked(memory)).toHaveLength(1)
  reader.wipe()
  expect(marked(memory)).toEqual([])
})

test('a value that was written is in one place', () => {
  let written = new Uint8Array(0)
  const memory = memoryOf(() => {
    written = writeReply('secretGetValue', { value: secret(60_000) }, 1) as typeof written
  })
  expect(marked(memory)).toEqual([written.buffer])
})

test('what could not be written is gone', () => {
  const uuid = '11111111-1111-4111-8111-000000000005'
  const usageId = 'Z'.repeat(4_194_304)
  const secrets = Array(8).fill({ uuid, usageType: 1, usageId })
  let failure: unknown
  const memory = memoryOf(() => {
    try {
      writeReply('connectListAllSecrets', { secrets, ret: 8 }, 1)
    } catch (error) {
      failure = error
    }
  })
  expect(LibvirtError.is(failure)).toBe(true)
  expect(memory.size).toBeGreaterThan(1)
  expect(marked(memory)).toEqual([])
})
