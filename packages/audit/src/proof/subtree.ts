import { AuditError } from '../errors.ts'
import { Slices } from '../slices.ts'
import { Frontier, HASH_BYTES } from './merkle.ts'
import type { Subtree } from './proofs.ts'

/** Raw leaf hashes of leaves start … end − 1, from 0, in chunks of any size. */
export type LeafReader = (start: number, end: number) => AsyncIterable<Uint8Array>

/** Leaves hashed between two looks at the clock. */
const LEAVES_A_LOOK = 512

/**
 * Hashes of 32 bytes out of chunks of any size. Each is a view that is good until the next one.
 * What is left when the chunks end is given as `rest`.
 */
export class HashSplitter {
  readonly #carry: Uint8Array = new Uint8Array(HASH_BYTES)
  #carried = 0

  /** Bytes of a hash that is not complete. */
  get pending(): number {
    return this.#carried
  }

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let at = 0
    if (this.#carried > 0) {
      at = Math.min(HASH_BYTES - this.#carried, chunk.length)
      this.#carry.set(chunk.subarray(0, at), this.#carried)
      this.#carried += at
      if (this.#carried < HASH_BYTES) return
      this.#carried = 0
      yield this.#carry
    }
    for (; at + HASH_BYTES <= chunk.length; at += HASH_BYTES) {
      yield chunk.subarray(at, at + HASH_BYTES)
    }
    this.#carry.set(chunk.subarray(at))
    this.#carried = chunk.length - at
  }
}

/**
 * Hashes of subtrees from a reader of leaf hashes; each call reads its whole range, and leaves the
 * main thread every 4 ms. The calls of one proof never overlap, so a proof reads each leaf at most
 * once. A call rejects with `ERR_AUDIT_TAMPERED` if the reader gives another number of hashes.
 */
export function subtreeOf(leaves: LeafReader): Subtree {
  return async (start, end) => {
    const frontier = new Frontier()
    const splitter = new HashSplitter()
    const slices = new Slices()
    for await (const chunk of leaves(start, end)) {
      for (const leaf of splitter.push(chunk)) {
        frontier.append(leaf)
        if (frontier.size % LEAVES_A_LOOK === 0 && slices.due) await slices.pause()
      }
    }
    if (frontier.size !== end - start || splitter.pending > 0) {
      const sequence = start + Math.min(frontier.size, end - start) + 1
      const message = `${frontier.size} leaf hashes where lines ${start + 1} to ${end} have theirs`
      throw new AuditError('ERR_AUDIT_TAMPERED', message, { sequence })
    }
    return frontier.root()
  }
}
