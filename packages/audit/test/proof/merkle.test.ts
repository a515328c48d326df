import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalHashes, Frontier, hashLeaf, hashNode } from '../../src/proof/merkle.ts'
import { naiveLeaf, naiveRoot, sha256 } from './naive-tree.ts'
import { EMPTY_ROOT, hex, LEAVES, ROOTS } from './vectors.ts'

function frontierOf(leaves: readonly Uint8Array[]): Frontier {
  const frontier = new Frontier()
  for (const leaf of leaves) frontier.append(leaf)
  return frontier
}

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('roots of the reference tree', () => {
  const frontier = new Frontier()
  expect(frontier.root()).toEqual(EMPTY_ROOT)
  for (const [index, line] of LEAVES.entries()) {
    frontier.append(hashLeaf(line))
    expect(frontier.root()).toEqual(ROOTS[index + 1])
    expect(frontier.size).toBe(index + 1)
  }
})

test('leaf and node hashes are those of RFC 6962', () => {
  fc.assert(
    fc.property(fc.uint8Array(), hash, hash, (line, left, right) => {
      expect(hashLeaf(line)).toEqual(naiveLeaf(line))
      expect(hashNode(left, right)).toEqual(sha256(Uint8Array.of(1), left, right))
      expect(equalHashes(left, right)).toBe(Buffer.from(left).equals(right))
    }),
  )
})

test('the root at every size is that of the recursion', () => {
  const leaves = Array.from({ length: 300 }, (_, n) => naiveLeaf(Uint8Array.of(n, n >> 8)))
  const frontier = new Frontier()
  for (const [index, leaf] of leaves.entries()) {
    if (index % 2) frontier.append(leaf)
    else frontier.appendHex(Buffer.from(leaf).toString('hex'))
    expect(frontier.root()).toEqual(naiveRoot(leaves.slice(0, index + 1)))
  }
})

test('a clone and a decoded frontier grow on their own', () => {
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 40 }), fc.array(hash, { maxLength: 40 }), (a, b) => {
      const frontier = frontierOf(a)
      const encoded = frontier.encode()
      expect(encoded.length).toBe(8 + 32 * a.length.toString(2).replaceAll('0', '').length)
      const copies = [frontier.clone(), Frontier.decode(encoded) as Frontier]
      for (const copy of copies) {
        for (const leaf of b) copy.append(leaf)
        expect(copy.root()).toEqual(naiveRoot([...a, ...b]))
        expect(copy.size).toBe(a.length + b.length)
      }
      expect(frontier.root()).toEqual(naiveRoot(a))
      expect(frontier.encode()).toEqual(encoded)
    }),
  )
})

test('appended bytes are copied, and given ones are the caller’s', () => {
  const leaf = new Uint8Array(32).fill(1)
  const frontier = frontierOf([leaf])
  const root = frontier.root()
  leaf.fill(2)
  root.fill(3)
  expect(frontier.root()).toEqual(new Uint8Array(32).fill(1))
})

describe('decode is strict', () => {
  const whole = frontierOf(LEAVES.slice(0, 7).map(hashLeaf)).encode()
  test.each([
    ['nothing', new Uint8Array(0)],
    ['no whole size', whole.subarray(0, 7)],
    ['a byte missing', whole.subarray(0, -1)],
    ['a byte more', Uint8Array.of(...whole, 0)],
    ['a hash missing', whole.subarray(0, -32)],
    ['a size with fewer nodes', Uint8Array.of(...whole.subarray(0, 7), 4, ...whole.subarray(8))],
    ['2^53', hex('0020000000000000')],
    ['2^64 - 1', hex('ffffffffffffffff')],
  ])('%s', (_, bytes) => {
    expect(Frontier.decode(bytes)).toBeUndefined()
  })

  test('of bytes within other bytes', () => {
    const padded = Uint8Array.of(9, ...whole, 9)
    expect(Frontier.decode(padded.subarray(1, -1))?.root()).toEqual(ROOTS[7])
  })

  test('the largest tree is full', () => {
    const bytes = new Uint8Array(8 + 53 * 32)
    bytes.set(hex('001fffffffffffff'))
    const frontier = Frontier.decode(bytes)
    expect(frontier?.size).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => frontier?.append(new Uint8Array(32))).toThrow(RangeError)
    bytes.set(hex('001ffffffffffffe'))
    const last = Frontier.decode(bytes.subarray(0, -32))
    last?.append(new Uint8Array(32))
    expect(last?.size).toBe(Number.MAX_SAFE_INTEGER)
  })
})

test.each([0, 31, 33, 64])('a hash of %i bytes', (length) => {
  const wrong = new Uint8Array(length)
  const right = new Uint8Array(32)
  expect(() => new Frontier().append(wrong)).toThrow(RangeError)
  expect(() => hashNode(wrong, right)).toThrow(RangeError)
  expect(() => hashNode(right, wrong)).toThrow(RangeError)
})

test.each(['', 'ab', 'g'.repeat(64), '0'.repeat(63), '0'.repeat(65), `${'0'.repeat(62)}zz`])(
  'hex that is no hash: %s',
  (text) => {
    const frontier = new Frontier()
    expect(() => frontier.appendHex(text)).toThrow(RangeError)
    expect(frontier.size).toBe(0)
    expect(frontier.root()).toEqual(EMPTY_ROOT)
  },
)
