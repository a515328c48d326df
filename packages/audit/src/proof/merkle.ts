/**
 * Merkle tree of the log, RFC 6962 §2.1: a leaf is SHA-256(0x00 ‖ line without its newline), a node
 * SHA-256(0x01 ‖ left ‖ right), the empty tree SHA-256 of nothing. Leaf i, from 0, is the line with
 * sequence i + 1. All hashes are 32 raw bytes here.
 */
import { hash } from 'node:crypto'

/** Bytes of a hash. */
export const HASH_BYTES = 32

/** Nodes that the frontier of a tree of 2^53 − 1 leaves has; more than any audit path holds. */
const MAX_NODES = 53
const SIZE_BYTES = 8

/** RFC 6962 leaf hash of a line without its newline: a new array of 32 bytes. */
export function hashLeaf(line: Uint8Array): Uint8Array {
  const input = new Uint8Array(line.length + 1)
  input.set(line, 1)
  return digest(input)
}

/** RFC 6962 node hash of two hashes of 32 bytes: a new array of 32 bytes. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + 2 * HASH_BYTES)
  input[0] = 1
  input.set(assertHash(left), 1)
  input.set(assertHash(right), 1 + HASH_BYTES)
  return digest(input)
}

/** Whether two hashes are the same. Hashes of the log are no secrets: the time may tell. */
export function equalHashes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/**
 * The right edge of a growing tree: the roots of its perfect subtrees, largest first, one for each
 * bit that is set in its size. Enough to append to the tree and to know its root.
 */
export class Frontier {
  #size = 0
  #nodes = 0
  /** Byte 0 is room for the prefix of the first node; node i follows at 1 + 32 i. */
  readonly #bytes: Buffer = Buffer.alloc(1 + (MAX_NODES + 1) * HASH_BYTES)
  /** `#pairs[i]`: nodes i and i + 1 with the byte before them. */
  readonly #pairs: Buffer[] = []

  /** Leaves so far, at most 2^53 − 1. */
  get size(): number {
    return this.#size
  }

  /** Append a leaf hash of 32 bytes, which is copied. On average one node is hashed. */
  append(leaf: Uint8Array): void {
    this.#bytes.set(assertHash(leaf), this.#next())
    this.#grow()
  }

  /** Append a leaf hash of 64 hex digits. */
  appendHex(leaf: string): void {
    const written = this.#bytes.write(leaf, this.#next(), HASH_BYTES, 'hex')
    if (written !== HASH_BYTES || leaf.length !== 2 * HASH_BYTES) {
      throw new RangeError('expected leaf of 64 hex digits')
    }
    this.#grow()
  }

  /** Root of the tree as it is (RFC 6962 MTH): a new array of 32 bytes. */
  root(): Uint8Array {
    if (this.#nodes === 0) return digest(new Uint8Array(0))
    let root = this.#node(this.#nodes - 1)
    for (let i = this.#nodes - 2; i >= 0; i--) root = hashNode(this.#node(i), root)
    return Uint8Array.from(root)
  }

  clone(): Frontier {
    const copy = new Frontier()
    copy.#size = this.#size
    copy.#nodes = this.#nodes
    copy.#bytes.set(this.#bytes)
    return copy
  }

  /** Size as 8 bytes big-endian, then the nodes, largest first, 32 bytes each. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(SIZE_BYTES + this.#nodes * HASH_BYTES)
    new DataView(bytes.buffer).setBigUint64(0, BigInt(this.#size))
    bytes.set(this.#bytes.subarray(1, 1 + this.#nodes * HASH_BYTES), SIZE_BYTES)
    return bytes
  }

  /** Read what {@link encode} gives; undefined if the bytes are anything else. */
  static decode(bytes: Uint8Array): Frontier | undefined {
    if (bytes.length < SIZE_BYTES) return undefined
    const size = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
    const frontier = new Frontier()
    for (let rest = size; rest > 0n; rest >>= 1n) frontier.#nodes += Number(rest & 1n)
    if (bytes.length !== SIZE_BYTES + frontier.#nodes * HASH_BYTES) return undefined
    frontier.#size = Number(size)
    frontier.#bytes.set(bytes.subarray(SIZE_BYTES), 1)
    return frontier
  }

  #next(): number {
    if (this.#size >= Number.MAX_SAFE_INTEGER) throw new RangeError('the tree is full')
    return 1 + this.#nodes * HASH_BYTES
  }

  /** Count the leaf written behind the nodes, and join nodes of equal size. */
  #grow(): void {
    this.#nodes++
    for (let rest = this.#size++; rest % 2 === 1; rest = (rest - 1) / 2) this.#join()
  }

  /** The last two nodes lie side by side: only the prefix is missing, so none is copied. */
  #join(): void {
    const left = this.#nodes - 2
    this.#pairs[left] ??= this.#bytes.subarray(left * HASH_BYTES, (left + 2) * HASH_BYTES + 1)
    const pair = this.#pairs[left]
    const before = pair[0] as number
    pair[0] = 1
    const node = hash('sha256', pair, 'binary')
    pair[0] = before
    pair.write(node, 1, HASH_BYTES, 'latin1')
    this.#nodes--
  }

  #node(i: number): Uint8Array {
    return this.#bytes.subarray(1 + i * HASH_BYTES, 1 + (i + 1) * HASH_BYTES)
  }
}

function digest(input: Uint8Array): Uint8Array {
  // As text and back: a Buffer from the hash takes more than twice the time.
  return Uint8Array.from(Buffer.from(hash('sha256', input, 'binary'), 'latin1'))
}

function assertHash(bytes: Uint8Array): Uint8Array {
  if (bytes.length === HASH_BYTES) return bytes
  throw new RangeError(`expected hash of ${HASH_BYTES} bytes, got ${bytes.length}`)
}
