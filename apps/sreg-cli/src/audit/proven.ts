/** What proofs show, by nothing but themselves, keys, and what they are about. */
import {
  type Checkpoint,
  hashLeaf,
  type NoteKey,
  parseCheckpoint,
  parseLine,
  parseNote,
  parseProof,
  parseVkey,
  verifyConsistency,
  verifyInclusion,
  verifyNote,
} from '@secreg/audit/verify'
import { CliError } from '../errors.ts'

/** A checkpoint, and who has signed it. */
interface Signed extends Checkpoint {
  /** Absent where no key is asked for. */
  readonly vkey?: string
}

/** That a record is in a log. */
export interface ProvenRecord {
  readonly kind: 'inclusion'
  readonly sequence: number
  /** Records of that log. */
  readonly size: number
  readonly origin: string
  readonly key: string
}

/** That a log continues an earlier one. */
export interface ProvenGrowth {
  readonly kind: 'consistency'
  /** Records of the earlier log. */
  readonly from: number
  readonly to: number
  readonly origin: string
  /** Who has signed the later checkpoint; absent where no keys were given: then only the hashes fit. */
  readonly key?: string
}

const HINT = 'do not believe it: ask for it again, and verify the log'

function refuted(message: string): CliError {
  return new CliError('AUDIT_TAMPERED', message, HINT)
}

/**
 * Check a proof of `sreg audit prove`.
 *
 * @param line - the record; one newline at its end is no part of it
 * @param vkeys - keys of which one must have signed
 * @throws CliError `INVALID_ARGUMENT` for what has not the form, `AUDIT_TAMPERED` for what does not show it
 */
export function provenRecord(
  text: string,
  line: Uint8Array,
  vkeys: readonly string[],
): ProvenRecord {
  const proof = parseProof(text)
  if (proof?.kind !== 'inclusion') {
    throw new CliError('INVALID_ARGUMENT', 'this is no proof that a record is in a log')
  }
  const { size, root, origin, vkey } = signedBy(proof.checkpoint, 'of the proof', keysOf(vkeys))
  const bytes = Buffer.from(line.at(-1) === 0x0a ? line.subarray(0, -1) : line)
  if (!verifyInclusion(hashLeaf(bytes), proof.index, size, proof.hashes, root)) {
    throw refuted(`the record is not number ${proof.index + 1} of that log`)
  }
  const sequence = parseLine(bytes, 0, bytes.length)?.sequence
  if (sequence !== proof.index + 1) {
    throw refuted(`number ${proof.index + 1} of that log is not a record of that number`)
  }
  return { kind: 'inclusion', sequence, size, origin, key: vkey ?? '' }
}

/**
 * Check a proof of `sreg audit consistency`.
 *
 * @param old - signed note of the earlier checkpoint
 * @param vkeys - keys of which one must have signed each checkpoint; absent: signatures are not looked at
 * @throws CliError `INVALID_ARGUMENT` for what has not the form, `AUDIT_TAMPERED` for what does not show it
 */
export function provenGrowth(text: string, old: string, vkeys?: readonly string[]): ProvenGrowth {
  const proof = parseProof(text)
  if (proof?.kind !== 'consistency') {
    throw new CliError('INVALID_ARGUMENT', 'this is no proof that a log continues')
  }
  const keys = vkeys === undefined ? undefined : keysOf(vkeys)
  const before = signedBy(old, 'that was kept', keys)
  const after = signedBy(proof.checkpoint, 'of the proof', keys)
  if (before.origin !== after.origin) throw refuted('the checkpoints are of two logs')
  if (proof.oldSize !== before.size || proof.newSize !== after.size) {
    throw refuted('the proof is about other checkpoints')
  }
  if (!verifyConsistency(before.size, before.root, after.size, after.root, proof.hashes)) {
    throw refuted(
      `the log of ${after.size} records does not continue the one of ${before.size} records`,
    )
  }
  const { origin, vkey } = after
  const sizes = { from: before.size, to: after.size }
  return { kind: 'consistency', ...sizes, origin, ...(vkey === undefined ? {} : { key: vkey }) }
}

function keysOf(vkeys: readonly string[]): readonly NoteKey[] {
  return vkeys.map(parseVkey).filter((key) => key !== undefined)
}

function signedBy(text: string, which: string, keys: readonly NoteKey[] | undefined): Signed {
  const note = parseNote(text)
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text)
  if (note === undefined || checkpoint === undefined) {
    throw new CliError('INVALID_ARGUMENT', `the checkpoint ${which} has not the form of one`)
  }
  if (keys === undefined) return checkpoint
  const signers = verifyNote(note, keys)
  if (signers === undefined) throw refuted(`a signature of the checkpoint ${which} is wrong`)
  const signer = signers.find(({ name }) => name === checkpoint.origin)
  if (signer === undefined)
    throw refuted(`no key that was given has signed the checkpoint ${which}`)
  return { ...checkpoint, vkey: signer.vkey }
}
