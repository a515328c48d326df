/** Logs in memory with their signed notes, written apart from the code that is tested with them. */
import type { PresentSegment, RemovedSegment } from '../../src/proof/index.ts'
import {
  createSigner,
  formatCheckpoint,
  formatKeyStatement,
  formatRetention,
  formatStoredNote,
  type NoteSigner,
  signNote,
} from '../../src/proof/index.ts'
import { leaf } from '../support.ts'
import { naiveRoot } from './naive-tree.ts'
import { hex } from './vectors.ts'

export const ORIGIN = 'secreg/audit/00112233445566778899aabbccddeeff'
export const signers: readonly NoteSigner[] = [1, 2, 3].map((seed) =>
  createSigner(new Uint8Array(32).fill(seed), ORIGIN),
)
export const stranger: NoteSigner = createSigner(new Uint8Array(32).fill(99), ORIGIN)

export function signer(index: number): NoteSigner {
  return signers[index] as NoteSigner
}

/** Lines with newlines, of the given bodies, chained from `previous` on. */
export function chain(
  bodies: readonly string[],
  previous: string = '0'.repeat(64),
  from = 1,
): Buffer[] {
  let prev = previous
  return bodies.map((body, index) => {
    const time = new Date(Date.UTC(2026, 10, 22) + index).toISOString()
    const line = `{"seq":${from + index},"time":"${time}","prev":"${prev}","body":{"n":"${body}"}}`
    prev = leaf(line)
    return Buffer.from(`${line}\n`)
  })
}

export function leafOf(line: Buffer): Uint8Array {
  return hex(leaf(line.subarray(0, -1)))
}

/** One segment: its lines, and the leaf hashes beside it, which tampering leaves alone. */
export interface MadeSegment {
  lines: Buffer[]
  hashes: readonly Uint8Array[] | undefined
  removed: boolean
}

/** A signed note, and the size of the log when it was signed. */
export interface MadeNote {
  readonly time: number
  readonly note: string
}

export class MadeLog {
  readonly lines: readonly Buffer[]
  readonly leaves: readonly Uint8Array[]
  /** Number of lines of each segment. */
  readonly counts: readonly number[]
  readonly segments: MadeSegment[]
  readonly notes: MadeNote[] = []

  constructor(counts: readonly number[]) {
    const count = counts.reduce((sum, n) => sum + n, 0)
    this.counts = counts
    this.lines = chain(Array.from({ length: count }, (_, n) => `line ${n + 1}`))
    this.leaves = this.lines.map(leafOf)
    this.segments = counts.map((_, index) => {
      const [from, to] = [this.endOf(index), this.endOf(index + 1)]
      const lines = this.lines.slice(from, to)
      return { lines, hashes: this.leaves.slice(from, to), removed: false }
    })
  }

  get size(): number {
    return this.lines.length
  }

  /** Last line of a segment, from 1. */
  endOf(segment: number): number {
    return this.counts.slice(0, segment).reduce((sum, n) => sum + n, 0)
  }

  root(size: number): Uint8Array {
    return naiveRoot(this.leaves.slice(0, size))
  }

  checkpoint(size: number, by: NoteSigner = signer(0)): string {
    return signNote(formatCheckpoint({ origin: ORIGIN, size, root: this.root(size) }), [by])
  }

  /** Key `index`: the first one, or the hand-over to it. */
  key(index: number, size: number): string {
    const { vkey } = signer(index)
    const by = [...(index === 0 ? [] : [signer(index - 1)]), signer(index)]
    const previous = index === 0 ? {} : { previous: signer(index - 1).vkey }
    return signNote(formatKeyStatement({ origin: ORIGIN, size, vkey, ...previous }), by)
  }

  retention(segment: number, by: NoteSigner = signer(0)): string {
    const size = this.endOf(segment)
    const hash = Buffer.from(this.leaves[size - 1] as Uint8Array).toString('hex')
    const statement = { origin: ORIGIN, segment, size, hash, root: this.root(size) }
    return signNote(formatRetention(statement), [by])
  }

  /** Take segments 1 to `segment` away. */
  remove(segment: number): void {
    for (const made of this.segments.slice(0, segment)) made.removed = true
  }

  file(notes: readonly string[] = this.notes.map(({ note }) => note)): string {
    return notes.map(formatStoredNote).join('')
  }

  *sources(): Generator<PresentSegment | RemovedSegment> {
    for (const [index, { lines, hashes, removed }] of this.segments.entries()) {
      const segment = index + 1
      const side = hashes === undefined ? undefined : chunks(hashes)
      if (removed) yield { segment, removed, hashes: side ?? chunks([]) }
      else yield { segment, bytes: [Buffer.concat(lines)], ...(side && { hashes: side }) }
    }
  }
}

/** Raw hashes in chunks that cut some of them. */
export async function* chunks(hashes: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.concat(hashes)
  for (let at = 0; at < bytes.length; at += 50) yield bytes.subarray(at, at + 50)
}
