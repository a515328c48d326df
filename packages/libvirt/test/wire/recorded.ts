/** Frames recorded between real clients and real daemons; see ../vectors/README.md. */
import { readdirSync } from 'node:fs'
import { loadJsonLines } from '@secreg/testkit'

const TRANSCRIPTS = new URL('../vectors/transcripts/', import.meta.url)

export interface RecordedFrame {
  /** File without its ending and line, from 1. */
  readonly at: string
  readonly dir: 'c2s' | 's2c'
  readonly bytes: Uint8Array
  /** What another program read from it. */
  readonly note: string
}

/** Every frame of every transcript. */
export function recordedFrames(): RecordedFrame[] {
  return readdirSync(TRANSCRIPTS)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) =>
      loadJsonLines<{ dir: 'c2s' | 's2c'; hex: string; note: string }>(
        new URL(name, TRANSCRIPTS),
      ).map(({ dir, hex, note }, index) => ({
        at: `${name.slice(0, -'.jsonl'.length)}:${index + 1}`,
        dir,
        bytes: Uint8Array.from(Buffer.from(hex, 'hex')),
        note,
      })),
    )
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
