/**
 * A row check as a store uses it: tags of data rows and of the head, and the sums of all tags, which are in the head.
 *
 * Tags stand in the files. A plain sum of them could be met by somebody who has kept many old rows and looks for some
 * that add up to the same (D. Wagner, A Generalized Birthday Problem, 2002). So what is added up is each tag encrypted
 * under a key that only the check gives, and what the head shows is the sum under a mask of its own, so that two heads
 * do not tell what the rows between them were worth (D. Clarke et al., Incremental Multiset Hash Functions, 2003).
 *
 * ```
 *  summand of a row = AES-128(K1, tag)             K1 = tag('', "secreg store sum 1"  | generation (16))
 *  stored sum i     = sum XOR AES-128(K2, R(i))    K2 = tag('', "secreg store mask 1" | generation (16))
 *  sum              = sum of summands mod 2^128    R(i) = revision (6) | zeros (9) | i (1)
 *  tag of the head  = tag('', bytes [0, 74) of the head row)
 * ```
 *
 * i is 0 for all data rows that carry a tag, 1 for those of them that the check guards. No data row has the key ''.
 */
import { type Cipher, createCipheriv, timingSafeEqual } from 'node:crypto'
import type { RowCheck } from './engine.ts'
import { StoredRow, TAG_BYTES, tagOf } from './row-format.ts'

/** Bytes of both sums, as the head has them. */
export const SUMS_BYTES: number = 2 * TAG_BYTES

/** Sums of tags as a head has them: under the mask of its revision, or zero when it carries no tag. */
export interface KeyedSums {
  readonly revision: number
  readonly sums: Uint8Array
  readonly keyed: boolean
}

export class StoreCheck {
  /** For data rows. */
  readonly rows: RowCheck
  /** For the head row, whatever key is named. */
  readonly head: RowCheck
  /** Of the store that it is for, 32 hex digits. */
  readonly generation: string
  readonly #summand: Cipher
  readonly #mask: Cipher

  /** @param generation 32 hex digits */
  constructor(check: RowCheck, generation: string) {
    this.rows = check
    this.generation = generation
    this.head = { tag: (_, row) => check.tag('', row) }
    this.#summand = cipherOf(check, 'secreg store sum 1', generation)
    this.#mask = cipherOf(check, 'secreg store mask 1', generation)
  }

  /** Whether a row under this key authorises something. */
  guards(key: string): boolean {
    return this.rows.guards?.(key) ?? false
  }

  /** Sums of no row. */
  start(): TagSums {
    return new TagSums(this, this.#summand)
  }

  /** Go on from the sums of a head. */
  resume(head: KeyedSums): TagSums {
    const sums = this.start()
    if (head.keyed) sums.begin(this.mask(head.sums, head.revision))
    return sums
  }

  /** Put the mask of a revision on sums, or take it off; a fresh copy. */
  mask(sums: Uint8Array, revision: number): Buffer {
    const blocks = Buffer.alloc(SUMS_BYTES)
    for (let i = 0; i < 2; i++) {
      blocks.writeUIntBE(revision, i * TAG_BYTES, 6)
      blocks[i * TAG_BYTES + TAG_BYTES - 1] = i
    }
    const masked = this.#mask.update(blocks)
    for (let i = 0; i < SUMS_BYTES; i++) {
      masked[i] = (masked[i] as number) ^ (sums[i] as number)
    }
    return masked
  }
}

function cipherOf(check: RowCheck, label: string, generation: string): Cipher {
  const key = tagOf(check, '', Buffer.concat([Buffer.from(label), Buffer.from(generation, 'hex')]))
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
  key.fill(0)
  return cipher
}

/** Tags that are encrypted with one call. */
const TAGS_AT_ONCE = 128
const WORD = 2 ** 32
/** Words of both sums. */
const WORDS = SUMS_BYTES / 4

/** The two sums while rows come and go. */
export class TagSums {
  readonly #check: StoreCheck
  readonly #summand: Cipher
  /** Big-endian words of 32 bits, four for each sum. */
  readonly #words: Float64Array = new Float64Array(WORDS)
  readonly #tags: Buffer = Buffer.allocUnsafe(TAGS_AT_ONCE * TAG_BYTES)
  readonly #signs: Int8Array = new Int8Array(TAGS_AT_ONCE)
  readonly #guarded: Uint8Array = new Uint8Array(TAGS_AT_ONCE)
  #waiting = 0

  constructor(check: StoreCheck, summand: Cipher) {
    this.#check = check
    this.#summand = summand
  }

  begin(sums: Buffer): void {
    for (let i = 0; i < WORDS; i++) this.#words[i] = sums.readUInt32BE(4 * i)
  }

  add(key: string, row: StoredRow): void {
    this.#take(key, row, 1)
  }

  remove(key: string, row: StoredRow): void {
    this.#take(key, row, -1)
  }

  /** The sums as the head of `revision` has them. */
  seal(revision: number): Uint8Array {
    return this.#check.mask(this.#sums(), revision)
  }

  /** Which of the sums that a head has are these. */
  compare(head: KeyedSums): { readonly all: boolean; readonly guarded: boolean } {
    const own = head.keyed ? this.seal(head.revision) : this.#sums()
    const equal = (from: number): boolean =>
      timingSafeEqual(
        own.subarray(from, from + TAG_BYTES),
        head.sums.subarray(from, from + TAG_BYTES),
      )
    return { all: equal(0), guarded: equal(TAG_BYTES) }
  }

  #sums(): Buffer {
    this.#flush()
    const sums = Buffer.alloc(SUMS_BYTES)
    for (let i = 0; i < WORDS; i++) sums.writeUInt32BE(this.#words[i] as number, 4 * i)
    return sums
  }

  #take(key: string, row: StoredRow, sign: 1 | -1): void {
    const tag = StoredRow.tagOf(row)
    if (tag === undefined) return
    const index = this.#waiting++
    this.#tags.set(tag, index * TAG_BYTES)
    this.#signs[index] = sign
    this.#guarded[index] = this.#check.guards(key) ? 1 : 0
    if (this.#waiting === TAGS_AT_ONCE) this.#flush()
  }

  /** Sums of so few words stay exact until the carries are made. */
  #flush(): void {
    const count = this.#waiting
    if (count === 0) return
    this.#waiting = 0
    const words = this.#words
    const summands = this.#summand.update(this.#tags.subarray(0, count * TAG_BYTES))
    for (let i = 0; i < count; i++) {
      const sign = this.#signs[i] as number
      for (let word = 0; word < 4; word++) {
        const value = sign * summands.readUInt32BE(i * TAG_BYTES + 4 * word)
        words[word] = (words[word] as number) + value
        if (this.#guarded[i] === 1) words[4 + word] = (words[4 + word] as number) + value
      }
    }
    carry(words, 0)
    carry(words, 4)
  }
}

/** Bring the four words from `at` back to 32 bits each; what goes beyond the highest is dropped. */
function carry(words: Float64Array, at: number): void {
  let over = 0
  for (let word = at + 3; word >= at; word--) {
    const value = (words[word] as number) + over
    over = Math.floor(value / WORD)
    words[word] = value - over * WORD
  }
}
