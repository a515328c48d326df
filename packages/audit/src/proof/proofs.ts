/** Inclusion and consistency proofs of the tree: RFC 6962 §2.1.1 and §2.1.2, checked as RFC 9162. */
import { equalHashes, Frontier, HASH_BYTES, hashNode } from './merkle.ts'
import { assertNumber } from './text.ts'

/** More hashes than the proof of any tree of 2^53 − 1 leaves has; longer ones are not looked at. */
export const MAX_PROOF_HASHES = 64

/**
 * Hash of the leaves start … end − 1, from 0 (RFC 6962 MTH of D[start:end]). A proof asks for ranges
 * that do not overlap: perfect ones (a power of two of leaves, at a multiple of it), and imperfect
 * ones only that end at the size of the tree.
 */
export type Subtree = (start: number, end: number) => Uint8Array | Promise<Uint8Array>

/**
 * Audit path of leaf `index`, from 0, in the tree of `size` leaves: the sibling of the leaf first.
 * Throws RangeError unless 0 ≤ index < size.
 */
export async function inclusionProof(
  index: number,
  size: number,
  subtree: Subtree,
): Promise<Uint8Array[]> {
  assertNumber(size, 'size')
  if (assertNumber(index, 'index') >= size) throw new RangeError('expected index below size')
  const proof: Uint8Array[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + splitOf(end - start)
    if (index < middle) {
      proof.push(await subtree(middle, end))
      end = middle
    } else {
      proof.push(await subtree(start, middle))
      start = middle
    }
  }
  return proof.reverse()
}

/**
 * Proof that the tree of `newSize` leaves begins with that of `oldSize`. Empty where the sizes are
 * equal or `oldSize` is 0. Throws RangeError unless 0 ≤ oldSize ≤ newSize.
 */
export async function consistencyProof(
  oldSize: number,
  newSize: number,
  subtree: Subtree,
): Promise<Uint8Array[]> {
  assertNumber(newSize, 'newSize')
  if (assertNumber(oldSize, 'oldSize') > newSize) {
    throw new RangeError('expected oldSize up to newSize')
  }
  const proof: Uint8Array[] = []
  if (oldSize === 0) return proof
  let [start, end] = [0, newSize]
  while (end !== oldSize) {
    const middle = start + splitOf(end - start)
    if (oldSize <= middle) {
      proof.push(await subtree(middle, end))
      end = middle
    } else {
      proof.push(await subtree(start, middle))
      start = middle
    }
  }
  // The old tree itself is known to whoever checks; a subtree at its right edge is not.
  if (start > 0) proof.push(await subtree(start, end))
  return proof.reverse()
}

/**
 * Whether `proof` shows that `leaf` is leaf `index`, from 0, of the tree with `size` and `root`
 * (RFC 9162 §2.1.3.2). False for whatever else it is given; never throws.
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isNumber(index) || !isNumber(size) || index >= size) return false
  if (!areHashes([leaf, root]) || !areHashes(proof)) return false
  let [fn, sn] = [index, size - 1]
  let hash = leaf
  for (const sibling of proof) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      hash = hashNode(sibling, hash)
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      hash = hashNode(hash, sibling)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && equalHashes(hash, root)
}

/**
 * Whether `proof` shows that the tree with `newSize` and `newRoot` begins with all leaves of the one
 * with `oldSize` and `oldRoot` (RFC 9162 §2.1.4.2). Any tree begins with the empty one, whose root
 * must be right too. False for whatever else it is given; never throws.
 */
export function verifyConsistency(
  oldSize: number,
  oldRoot: Uint8Array,
  newSize: number,
  newRoot: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isNumber(oldSize) || !isNumber(newSize) || oldSize > newSize) return false
  if (!areHashes([oldRoot, newRoot]) || !areHashes(proof)) return false
  if (oldSize === newSize) return proof.length === 0 && equalHashes(oldRoot, newRoot)
  if (oldSize === 0) return proof.length === 0 && equalHashes(oldRoot, new Frontier().root())
  let [fn, sn] = [oldSize - 1, newSize - 1]
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)]
  // fn is 0 where the old tree is perfect: its root then begins the path.
  const [first, ...path] = fn === 0 ? [oldRoot, ...proof] : proof
  if (first === undefined) return false
  let [oldHash, newHash] = [first, first]
  for (const sibling of path) {
    if (sn === 0) return false
    if (isOdd(fn) || fn === sn) {
      oldHash = hashNode(sibling, oldHash)
      newHash = hashNode(sibling, newHash)
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)]
    } else {
      newHash = hashNode(newHash, sibling)
    }
    ;[fn, sn] = [half(fn), half(sn)]
  }
  return sn === 0 && equalHashes(oldHash, oldRoot) && equalHashes(newHash, newRoot)
}

/** Largest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.length <= MAX_PROOF_HASHES && hashes.every((hash) => hash.length === HASH_BYTES)
}

function isOdd(value: number): boolean {
  return value % 2 === 1
}

function half(value: number): number {
  return Math.floor(value / 2)
}
