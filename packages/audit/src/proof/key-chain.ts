import { type KeyStatement, parseKeyStatement } from './checkpoint.ts'
import { type Note, type NoteKey, parseVkey, verifyNote } from './note.ts'
import type { StoredNote } from './notes-file.ts'

/** A key and the sizes of the tree for which it signs, both included. */
export interface KeyPeriod {
  readonly key: NoteKey
  readonly from: number
  /** 2^53 − 1 while no other key has followed. */
  readonly to: number
}

/** Why a statement of the notes cannot be used. */
export interface NoteFault {
  /** Byte offset in the file: of the note, or behind which one is missing; 0 for one from outside. */
  readonly offset: number
  /** Size of the tree that the statement is about; 0 where that is unknown. */
  readonly sequence: number
  readonly kind: 'checkpoint' | 'key' | 'retention'
  readonly message: string
}

/** The keys that the notes of a log are checked with. */
export interface KeyChain {
  /** In the order in which they signed. */
  readonly periods: readonly KeyPeriod[]
  /** The first statement about a key that cannot be used. */
  readonly fault?: NoteFault
}

const FOREVER = Number.MAX_SAFE_INTEGER

/**
 * Follow the statements about keys, in the order of the file. The first one names a key and is
 * signed by it; each later one names the key before it and the next one and is signed by both. So
 * whoever trusts one key of the chain knows all of them; of what follows a statement that does not
 * fit, none. A later statement that names no key before it, because that was lost, begins a chain of
 * its own, and needs a trusted key of its own.
 *
 * @param statements - The notes whose text says something about keys.
 * @param trusted - Keys known from elsewhere, all of one name. Each of them must be in a chain: one
 *   without it was cut back, or is somebody else's. Of a chain without any of them no key counts,
 *   and a trusted key that is in none is taken for any size. Empty: the first key is believed as it
 *   stands, which shows only that the notes agree with each other.
 */
export function readKeyChain(
  statements: readonly StoredNote[],
  trusted: readonly NoteKey[],
): KeyChain {
  const chains: KeyPeriod[][] = []
  let fault: NoteFault | undefined
  const isTrusted = ({ key }: KeyPeriod): boolean =>
    trusted.length === 0 || trusted.some(({ vkey }) => vkey === key.vkey)
  for (const { note, offset } of statements) {
    const statement = parseKeyStatement(note.text)
    const what =
      statement === undefined ? 'has not its form' : follow(chains, note, statement, trusted[0])
    if (what === undefined) continue
    fault = faultAt(offset, statement?.size ?? 0, what)
    break
  }
  const all = chains.flat()
  const missing = trusted.filter(({ vkey }) => !all.some(({ key }) => key.vkey === vkey))
  const [first] = missing
  if (first !== undefined) {
    const message = `the notes do not tell of the trusted key ${first.vkey}`
    fault ??= { offset: statements.at(-1)?.end ?? 0, sequence: 0, kind: 'key', message }
  }
  const alien = chains.findIndex((chain) => !chain.some(isTrusted))
  const at = chains.slice(0, alien).flat().length
  const { offset } = statements[at] ?? { offset: 0 }
  if (alien >= 0) fault ??= faultAt(offset, all[at]?.from ?? 0, 'leads to no trusted key')
  const anchored = chains.filter((chain) => chain.some(isTrusted)).flat()
  return {
    periods: [...anchored, ...missing.map(unlimited)],
    ...(fault === undefined ? {} : { fault }),
  }
}

/** Trusted keys where there are no notes to tell when each of them signed. */
export function unlimited(key: NoteKey): KeyPeriod {
  return { key, from: 0, to: FOREVER }
}

/**
 * Whether one of the keys in force at `size` has signed, and no signature of any known key is wrong.
 * At the size of a hand-over both keys are in force; before and behind it only one.
 * @param later - Count keys that came into force later, too: a note of retention is about a size
 *   that was long ago when it is signed.
 */
export function isSigned(
  note: Note,
  periods: readonly KeyPeriod[],
  size: number,
  later = false,
): boolean {
  const signers = verifyNote(
    note,
    periods.map(({ key }) => key),
  )
  return (
    signers !== undefined &&
    periods.some(
      ({ key, from, to }) => (later || from <= size) && size <= to && signers.includes(key),
    )
  )
}

function faultAt(offset: number, sequence: number, what: string): NoteFault {
  const message = `the statement about the signing key at byte ${offset} ${what}`
  return { offset, sequence, kind: 'key', message }
}

/** Add the key of a statement to the last chain or to a new one, or say why it cannot be. */
function follow(
  chains: KeyPeriod[][],
  note: Note,
  { origin, size, vkey, previous }: KeyStatement,
  trusted: NoteKey | undefined,
): string | undefined {
  const chain = chains.at(-1)
  const last = chain?.at(-1)
  const key = parseVkey(vkey)
  if (key === undefined || origin !== (last?.key ?? trusted ?? key).name) {
    return 'is about another log'
  }
  if (previous !== undefined && previous !== last?.key.vkey) {
    return 'does not follow the one before it'
  }
  if (chains.flat().some((period) => period.key.vkey === vkey)) return 'goes back to an earlier key'
  if (last !== undefined && size < last.from) return 'is older than the one before it'
  const needed = last === undefined || previous === undefined ? [key] : [last.key, key]
  if (verifyNote(note, needed)?.length !== needed.length) {
    return 'is not signed by the keys that it names'
  }
  if (last !== undefined) chain?.splice(-1, 1, { ...last, to: size })
  const period = { key, from: size, to: FOREVER }
  if (chain === undefined || previous === undefined) chains.push([period])
  else chain.push(period)
  return undefined
}
