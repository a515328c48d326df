/**
 * Proofs as text, for keeping and sending. Of inclusion, C2SP tlog-proof:
 *
 * ```
 * c2sp.org/tlog-proof@v1
 * extra BASE64            only where there is extra data
 * index N                 from 0
 * one hash in base64 a line, from the leaf up
 *
 * the signed checkpoint, as it is
 * ```
 *
 * Of consistency, our own in the same spirit: the old checkpoint is the reader's, the new one follows.
 *
 * ```
 * secreg consistency proof v1
 * old N
 * new N
 * one hash in base64 a line, as in RFC 6962 §2.1.2
 *
 * the signed new checkpoint, as it is
 * ```
 */
import { HASH_BYTES } from './merkle.ts'
import { MAX_PROOF_HASHES } from './proofs.ts'
import { assertNumber, formatBase64, parseBase64, parseHash, parseNumber } from './text.ts'

const INCLUSION_TITLE = 'c2sp.org/tlog-proof@v1'
const CONSISTENCY_TITLE = 'secreg consistency proof v1'

/** That a line is in the log. */
export interface InclusionProof {
  readonly kind: 'inclusion'
  /** From 0: the sequence of the line less 1. */
  readonly index: number
  readonly hashes: readonly Uint8Array[]
  /** Signed note of a checkpoint, verbatim; not checked here. */
  readonly checkpoint: string
  /** Whatever the sender adds; nothing vouches for it. */
  readonly extra?: Uint8Array
}

/** That the log only grew. */
export interface ConsistencyProof {
  readonly kind: 'consistency'
  readonly oldSize: number
  readonly newSize: number
  readonly hashes: readonly Uint8Array[]
  /** Signed note of the checkpoint of `newSize`, verbatim; not checked here. */
  readonly checkpoint: string
}

/** The text of a proof. Throws RangeError for numbers and hashes that {@link parseProof} refuses. */
export function formatProof(proof: InclusionProof | ConsistencyProof): string {
  const { hashes, checkpoint } = proof
  if (hashes.length > MAX_PROOF_HASHES || hashes.some((hash) => hash.length !== HASH_BYTES)) {
    throw new RangeError(`expected at most ${MAX_PROOF_HASHES} hashes of ${HASH_BYTES} bytes`)
  }
  if (checkpoint === '') throw new RangeError('expected checkpoint that is not empty')
  return `${[...headOf(proof), ...hashes.map(formatBase64)].join('\n')}\n\n${checkpoint}`
}

/**
 * Read a proof of either kind, told apart by its first line; undefined if it has not exactly the
 * form. The checkpoint is only split off: its signature and size are for the caller to check.
 */
export function parseProof(text: string): InclusionProof | ConsistencyProof | undefined {
  const split = text.indexOf('\n\n')
  const checkpoint = text.slice(split + 2)
  if (split < 0 || checkpoint === '') return undefined
  const [title, ...lines] = text.slice(0, split).split('\n')
  if (title === INCLUSION_TITLE) return parseInclusion(lines, checkpoint)
  return title === CONSISTENCY_TITLE ? parseConsistency(lines, checkpoint) : undefined
}

function headOf(proof: InclusionProof | ConsistencyProof): string[] {
  if (proof.kind === 'consistency') {
    const [oldSize, newSize] = [
      assertNumber(proof.oldSize, 'oldSize'),
      assertNumber(proof.newSize, 'newSize'),
    ]
    return [CONSISTENCY_TITLE, `old ${oldSize}`, `new ${newSize}`]
  }
  const { index, extra } = proof
  const more = extra === undefined || extra.length === 0 ? [] : [`extra ${formatBase64(extra)}`]
  return [INCLUSION_TITLE, ...more, `index ${assertNumber(index, 'index')}`]
}

function parseInclusion(lines: string[], checkpoint: string): InclusionProof | undefined {
  const encoded = fieldOf(lines[0], 'extra')
  const extra = encoded === undefined ? undefined : parseBase64(encoded)
  if (encoded !== undefined && (extra === undefined || extra.length === 0)) return undefined
  const rest = encoded === undefined ? lines : lines.slice(1)
  const index = parseNumber(fieldOf(rest[0], 'index'))
  const hashes = parseHashes(rest.slice(1))
  if (index === undefined || hashes === undefined) return undefined
  return {
    kind: 'inclusion',
    index,
    hashes,
    checkpoint,
    ...(extra === undefined ? {} : { extra }),
  }
}

function parseConsistency(lines: string[], checkpoint: string): ConsistencyProof | undefined {
  const oldSize = parseNumber(fieldOf(lines[0], 'old'))
  const newSize = parseNumber(fieldOf(lines[1], 'new'))
  const hashes = parseHashes(lines.slice(2))
  if (oldSize === undefined || newSize === undefined || hashes === undefined) return undefined
  return { kind: 'consistency', oldSize, newSize, hashes, checkpoint }
}

function parseHashes(lines: string[]): Uint8Array[] | undefined {
  if (lines.length > MAX_PROOF_HASHES) return undefined
  const hashes: Uint8Array[] = []
  for (const line of lines) {
    const hash = parseHash(line)
    if (hash === undefined) return undefined
    hashes.push(hash)
  }
  return hashes
}

function fieldOf(line: string | undefined, word: string): string | undefined {
  return line?.startsWith(`${word} `) ? line.slice(word.length + 1) : undefined
}
