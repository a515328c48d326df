import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AuditError } from '../../src/errors.ts'
import { hashLeaf } from '../../src/proof/merkle.ts'
import {
  consistencyProof,
  inclusionProof,
  type Subtree,
  verifyConsistency,
  verifyInclusion,
} from '../../src/proof/proofs.ts'
import { type LeafReader, subtreeOf } from '../../src/proof/subtree.ts'
import { naiveConsistency, naiveLeaf, naivePath, naiveRoot } from './naive-tree.ts'
import { CONSISTENCY, EMPTY_ROOT, INCLUSION, LEAVES, ROOTS } from './vectors.ts'

const MOST = 70
const leaves = Array.from({ length: MOST }, (_, n) => naiveLeaf(Uint8Array.of(n)))
const roots = Array.from({ length: MOST + 1 }, (_, n) => naiveRoot(leaves.slice(0, n)))
const subtree: Subtree = (start, end) => naiveRoot(leaves.slice(start, end))

function root(size: number): Uint8Array {
  return roots[size] as Uint8Array
}

function leaf(index: number): Uint8Array {
  return leaves[index] as Uint8Array
}

/** Raw hashes of `hashes`, in chunks of `chunk` bytes. */
function readerOf(hashes: readonly Uint8Array[], chunk: number): LeafReader {
  return async function* (start, end) {
    const bytes = Buffer.concat(hashes.slice(start, end))
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
}

describe('published proofs', () => {
  const hashes = LEAVES.map(hashLeaf)
  const ofVectors: Subtree = (start, end) => naiveRoot(hashes.slice(start, end))

  test.each(INCLUSION)('of leaf %i in the tree of %i', async (index, size, path) => {
    expect(await inclusionProof(index, size, ofVectors)).toEqual(path)
    const [at, root] = [hashes[index] as Uint8Array, ROOTS[size] as Uint8Array]
    expect(verifyInclusion(at, index, size, path, root)).toBe(true)
  })

  test.each(CONSISTENCY)('that the tree of %i grew to %i', async (oldSize, newSize, path) => {
    expect(await consistencyProof(oldSize, newSize, ofVectors)).toEqual(path)
    const [before, after] = [ROOTS[oldSize] as Uint8Array, ROOTS[newSize] as Uint8Array]
    expect(verifyConsistency(oldSize, before, newSize, after, path)).toBe(true)
  })
})

test(`every leaf in every tree up to ${MOST} leaves, as the recursion has it`, async () => {
  for (let size = 1; size <= MOST; size++) {
    for (let index = 0; index < size; index++) {
      const proof = await inclusionProof(index, size, subtree)
      expect(proof).toEqual(naivePath(index, leaves.slice(0, size)))
      expect(verifyInclusion(leaf(index), index, size, proof, root(size))).toBe(true)
    }
  }
})

test(`all trees m ≤ n ≤ ${MOST}, as the recursion has it`, async () => {
  for (let n = 0; n <= MOST; n++) {
    for (let m = 0; m <= n; m++) {
      const proof = await consistencyProof(m, n, subtree)
      expect(proof).toEqual(m === 0 ? [] : naiveConsistency(m, leaves.slice(0, n)))
      expect(verifyConsistency(m, root(m), n, root(n), proof), `${m} ${n}`).toBe(true)
    }
  }
})

const sizes = fc.integer({ min: 1, max: MOST })

test('an inclusion proof with anything changed is false', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (size, a, b) => {
      const index = a % size
      const proof = await inclusionProof(index, size, subtree)
      const check = (...[at, of, path, is]: [number, number, Uint8Array[], Uint8Array]): boolean =>
        verifyInclusion(leaf(index), at, of, path, is)
      expect(check(index, size, proof, root(size))).toBe(true)
      expect(check(index, size, proof, flip(root(size), b))).toBe(false)
      expect(verifyInclusion(flip(leaf(index), b), index, size, proof, root(size))).toBe(false)
      expect(check(index, size, [...proof, leaf(0)], root(size))).toBe(false)
      expect(check(index, size, [leaf(0), ...proof], root(size))).toBe(false)
      for (const [n, hash] of proof.entries()) {
        expect(check(index, size, proof.toSpliced(n, 1), root(size))).toBe(false)
        expect(check(index, size, proof.with(n, flip(hash, b)), root(size))).toBe(false)
        expect(check(index, size, proof.with(n, hash.subarray(1)), root(size))).toBe(false)
      }
      for (let other = 0; other < size; other++) {
        if (other !== index) expect(check(other, size, proof, root(size))).toBe(false)
      }
      for (let other = 0; other <= MOST; other++) {
        if (other !== size) expect(check(index, other, proof, root(other))).toBe(false)
      }
    }),
  )
})

test('a consistency proof with anything changed is false', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (n, a, b) => {
      const m = a % (n + 1)
      const proof = await consistencyProof(m, n, subtree)
      const check = (path: Uint8Array[], of = m, to = n): boolean =>
        verifyConsistency(of, root(of), to, root(to), path)
      expect(check(proof)).toBe(true)
      expect(verifyConsistency(m, flip(root(m), b), n, root(n), proof)).toBe(false)
      if (m > 0) expect(verifyConsistency(m, root(m), n, flip(root(n), b), proof)).toBe(false)
      expect(check([...proof, leaf(0)])).toBe(false)
      expect(check([leaf(0), ...proof])).toBe(false)
      for (const [at, hash] of proof.entries()) {
        expect(check(proof.toSpliced(at, 1))).toBe(false)
        expect(check(proof.with(at, flip(hash, b)))).toBe(false)
        expect(check(proof.with(at, Uint8Array.of(...hash, 0)))).toBe(false)
      }
      for (let other = 1; other <= n; other++) {
        if (other !== m && proof.length > 0) expect(check(proof, other)).toBe(false)
      }
      for (let other = m; other <= MOST; other++) {
        if (other !== n && proof.length > 0) expect(check(proof, m, other)).toBe(false)
      }
    }),
  )
})

test('a tree shorter than the old one, and equal sizes with other roots', () => {
  expect(verifyConsistency(5, root(5), 4, root(4), [])).toBe(false)
  expect(verifyConsistency(5, root(5), 5, root(4), [])).toBe(false)
  expect(verifyConsistency(5, root(5), 5, root(5), [root(1)])).toBe(false)
  expect(verifyConsistency(0, root(5), 5, root(5), [])).toBe(false)
  expect(verifyConsistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])).toBe(true)
})

describe('never throws, and looks at 64 hashes at most', () => {
  const numbers = fc.oneof(
    fc.nat(100),
    fc.maxSafeInteger(),
    fc.constantFrom(-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53),
  )
  const bytes = fc.uint8Array({ minLength: 30, maxLength: 34 })
  const proofs = fc.array(bytes, { maxLength: 70 })

  test('random ones', () => {
    fc.assert(
      fc.property(numbers, numbers, proofs, bytes, bytes, (a, b, proof, one, two) => {
        expect(verifyInclusion(one, a, b, proof, two)).toBe(
          b === 1 &&
            a === 0 &&
            proof.length === 0 &&
            Buffer.from(one).equals(two) &&
            one.length === 32,
        )
        expect(typeof verifyConsistency(a, one, b, two, proof)).toBe('boolean')
      }),
    )
  })

  test('long ones', () => {
    const long = new Array<Uint8Array>(1e6).fill(leaf(0))
    expect(verifyInclusion(leaf(0), 0, Number.MAX_SAFE_INTEGER, long, root(1))).toBe(false)
    expect(verifyConsistency(1, root(1), Number.MAX_SAFE_INTEGER, root(2), long)).toBe(false)
  })

  test('trees of 2^53 - 1 leaves, beyond 32 bits', async () => {
    const size = Number.MAX_SAFE_INTEGER
    const asked: [number, number][] = []
    const same: Subtree = (start, end) => {
      asked.push([start, end])
      return leaf(0)
    }
    const last = await inclusionProof(size - 1, size, same)
    expect(last.length).toBe(52)
    expect((await inclusionProof(0, size, same)).length).toBe(53)
    for (const [start, end] of asked) {
      const count = end - start
      expect(start % count === 0 || end === size).toBe(true)
    }
  })
})

test.each([
  [-1, 5],
  [5, 5],
  [6, 5],
  [0, 0],
  [0.5, 5],
  [0, 2 ** 53],
  [Number.NaN, 5],
])('no proof of leaf %d of %d', async (index, size) => {
  await expect(inclusionProof(index, size, subtree)).rejects.toThrow(RangeError)
})

test.each([
  [-1, 5],
  [6, 5],
  [0.5, 5],
  [1, 2 ** 53],
])('no proof from %d to %d', async (oldSize, newSize) => {
  await expect(consistencyProof(oldSize, newSize, subtree)).rejects.toThrow(RangeError)
})

describe('subtrees out of a reader', () => {
  test.each([1, 7, 31, 32, 33, 64, 1000, 10_000])('in chunks of %i bytes', async (chunk) => {
    const read = subtreeOf(readerOf(leaves, chunk))
    for (const [start, end] of [
      [0, 1],
      [0, 64],
      [64, 70],
      [3, 50],
      [5, 5],
    ] as const) {
      expect(await read(start, end)).toEqual(naiveRoot(leaves.slice(start, end)))
    }
  })

  test('proofs read each leaf at most once', async () => {
    const seen = new Set<number>()
    const read = subtreeOf(async function* (start, end) {
      for (let n = start; n < end; n++) {
        expect(seen.has(n)).toBe(false)
        seen.add(n)
        yield leaf(n)
      }
    })
    const proof = await inclusionProof(33, MOST, read)
    expect(seen.size).toBe(MOST - 1)
    expect(verifyInclusion(leaf(33), 33, MOST, proof, root(MOST))).toBe(true)
  })

  test.each([
    ['too few', 9, 0],
    ['too many', 11, 0],
    ['half a hash more', 10, 16],
  ])('%s', async (_, count, more) => {
    const read = subtreeOf(async function* () {
      yield Buffer.concat([...leaves.slice(0, count), Buffer.alloc(more)])
    })
    const error = await Promise.resolve(read(0, 10)).catch((reason: unknown) => reason)
    expect(AuditError.is(error) && error.code).toBe('ERR_AUDIT_TAMPERED')
  })
})

function flip(hash: Uint8Array, bit: number): Uint8Array {
  const at = (bit >> 3) % hash.length
  return hash.with(at, (hash[at] as number) ^ (1 << (bit & 7)))
}
