import type { VerifyOptions, VerifyResult } from '../verify.ts'
import { readEvidence } from './evidence.ts'
import { LogWalk, type PresentSegment, type RemovedSegment } from './log-walk.ts'
import { type NoteKey, parseVkey } from './note.ts'

export interface VerifyLogOptions extends VerifyOptions {
  /**
   * The file `checkpoints` with its signed notes. Empty where there is no such file: with `keys`
   * that is a fault. Absent: it is not looked at.
   */
  readonly notes?: string | Uint8Array
  /**
   * Trusted vkeys, all of one name, the origin of the log. One is enough, whichever: hand-overs tell
   * of the others. Without any, the first key of the notes is believed, which shows only that log
   * and notes agree, not whose they are.
   */
  readonly keys?: readonly string[]
  /**
   * Signed checkpoints kept elsewhere. Only these show that log and notes were not both put back, or
   * cut off, at the same place.
   */
  readonly outside?: readonly string[]
}

export interface LogVerifyResult extends VerifyResult {
  /** Signed checkpoints, of the notes and from outside, whose root was compared and fits. */
  readonly checkpoints: number
  /**
   * Largest size whose signed root fits; 0 if there is none. Every line up to it is what was signed.
   * Lines behind it are held by the chain alone.
   */
  readonly proven: number
  /** Lines in the tree that was computed: all of them if there is no fault. */
  readonly size: number
  /** Root of that tree, 32 bytes. */
  readonly root: Uint8Array
  /** Segments of which only hashes are left. */
  readonly removed: number
  /** Signatures were checked with `keys`, not merely with the key that the notes name. */
  readonly trusted: boolean
}

/**
 * Verify a log from its first line: the chain as {@link verifySegments} does, and its Merkle tree at
 * every signed checkpoint; the chain of signing keys; the hashes of segments that went by retention
 * against the signed note that let them go. A torn tail of the notes is no fault.
 *
 * A fault of the lines comes before one of the notes. A chain that breaks names the line at the
 * break. If the chain is whole and a signed root does not fit, some line behind the last root that
 * fits was rewritten with everything after it: the fault is `rewritten`, and names the first and the
 * last line that it can be; one and the same if the leaf hashes beside the segments tell, which they do
 * as far as the signed root vouches for them. It cannot be seen that log and notes were both cut
 * back to where they stood once: give `outside` or `known` for that.
 *
 * @param segments - Removed ones first, without a gap from segment 1.
 * @throws RangeError for `keys` that are no Ed25519 vkeys or of several names. Never for what the
 *   log, the notes or the checkpoints hold.
 */
export async function verifyLog(
  segments:
    | AsyncIterable<PresentSegment | RemovedSegment>
    | Iterable<PresentSegment | RemovedSegment>,
  options: VerifyLogOptions = {},
): Promise<LogVerifyResult> {
  const { notes, outside = [] } = options
  const keys = trustedKeys(options.keys ?? [])
  const walk = new LogWalk(await readEvidence({ notes, keys, outside }), options)
  for await (const source of segments) if (!(await walk.take(source))) break
  const fault = walk.finish()
  const { roots, records, tail, removed } = walk
  return {
    ok: fault === undefined,
    records,
    tail,
    ...(fault === undefined ? {} : { firstFault: fault }),
    checkpoints: roots.checkpoints,
    proven: roots.proven,
    size: roots.frontier.size,
    root: roots.frontier.root(),
    removed,
    trusted: keys.length > 0,
  }
}

function trustedKeys(vkeys: readonly string[]): NoteKey[] {
  return vkeys.map((vkey, index) => {
    const key = parseVkey(vkey)
    if (key === undefined) throw new RangeError(`expected keys[${index}] to be an Ed25519 vkey`)
    if (key.name !== parseVkey(vkeys[0] ?? '')?.name) {
      throw new RangeError('expected keys of one name')
    }
    return key
  })
}
