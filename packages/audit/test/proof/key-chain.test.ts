import { describe, expect, test } from 'vitest'
import {
  createSigner,
  formatKeyStatement,
  formatStoredNote,
  isSigned,
  type KeyChain,
  type Note,
  type NoteKey,
  type NoteSigner,
  parseNote,
  parseVkey,
  readKeyChain,
  readNotes,
  signNote,
} from '../../src/proof/index.ts'
import { ORIGIN, signer, signers, stranger } from './made-log.ts'

const [one, two, three] = signers as [NoteSigner, NoteSigner, NoteSigner]

function statement(
  size: number,
  { vkey }: NoteSigner,
  previous: NoteSigner | undefined,
  by: readonly NoteSigner[],
): string {
  const before = previous === undefined ? {} : { previous: previous.vkey }
  return signNote(formatKeyStatement({ origin: ORIGIN, size, vkey, ...before }), by)
}

function chainOf(notes: readonly string[], trusted: readonly NoteSigner[]): KeyChain {
  const keys = trusted.map(({ vkey }) => parseVkey(vkey) as NoteKey)
  return readKeyChain(readNotes(notes.map(formatStoredNote).join('')).notes, keys)
}

function periods({ periods: all }: KeyChain): [string, number, number][] {
  return all.map(({ key, from, to }) => [key.vkey, from, to])
}

const NOTES = [
  statement(0, one, undefined, [one]),
  statement(10, two, one, [one, two]),
  statement(20, three, two, [two, three]),
]
const FOREVER = Number.MAX_SAFE_INTEGER
const ALL: [string, number, number][] = [
  [one.vkey, 0, 10],
  [two.vkey, 10, 20],
  [three.vkey, 20, FOREVER],
]

test.each([
  ['the first', [one]],
  ['the second', [two]],
  ['the last', [three]],
  ['all of them', [three, one, two]],
  ['none', []],
])('who trusts %s knows all keys', (_, trusted) => {
  const chain = chainOf(NOTES, trusted)
  expect(chain.fault).toBeUndefined()
  expect(periods(chain)).toEqual(ALL)
})

test('a key counts only for the sizes that it was in force', () => {
  const { periods: all } = chainOf(NOTES, [one])
  const signed = (size: number, by: readonly NoteSigner[]): boolean =>
    isSigned(parseNote(signNote('text\n', by)) as Note, all, size)
  const inForce = [0, 9, 10, 11, 19, 20, 21, FOREVER].map((size) =>
    signers.filter((by) => signed(size, [by])).map((by) => signers.indexOf(by)),
  )
  expect(inForce).toEqual([[0], [0], [0, 1], [1], [1], [1, 2], [2], [2]])
  expect(signed(5, [stranger])).toBe(false)
  expect(signed(5, [stranger, one])).toBe(true)
  expect(signed(5, [two, one])).toBe(true)
  const note = parseNote(signNote('text\n', [one]) + two.sign('else\n')) as Note
  expect(isSigned(note, all, 5)).toBe(false)
  const late = parseNote(signNote('text\n', [three])) as Note
  expect(isSigned(late, all, 5, true)).toBe(true)
  const early = parseNote(signNote('text\n', [one])) as Note
  expect(isSigned(early, all, 11, true)).toBe(false)
})

describe('a chain with a fault keeps only what comes before it', () => {
  const elsewhere = createSigner(new Uint8Array(32).fill(2), `${ORIGIN}0`)
  const foreign = signNote(
    formatKeyStatement({
      origin: elsewhere.name,
      size: 10,
      vkey: elsewhere.vkey,
    }),
    [one, elsewhere],
  )
  const ownForeign = signNote(
    formatKeyStatement({ origin: elsewhere.name, size: 10, vkey: elsewhere.vkey }),
    [elsewhere],
  )
  const wrongText = (NOTES[1] as string).replace('\n10\n', '\n11\n')
  test.each([
    ['not signed by the old key', [NOTES[0], statement(10, two, one, [two])], 1],
    ['not signed by the new key', [NOTES[0], statement(10, two, one, [one])], 1],
    ['signed by somebody else', [NOTES[0], statement(10, two, one, [two, stranger])], 1],
    ['changed after signing', [NOTES[0], wrongText], 1],
    ['of another log', [NOTES[0], foreign], 1],
    ['a second first key', [NOTES[0], statement(10, two, undefined, [one, two])], 1],
    ['the first one missing', NOTES.slice(1), 0],
    ['another log’s key on its own', [NOTES[0], ownForeign], 1],
    ['one missing in the midst', [NOTES[0], NOTES[2]], 1],
    ['a fork', [NOTES[0], NOTES[1], statement(12, stranger, one, [one, stranger])], 2],
    ['back to the old key', [NOTES[0], NOTES[1], statement(20, one, two, [two, one])], 2],
    ['to itself', [NOTES[0], statement(10, one, one, [one])], 1],
    ['sizes that go back', [NOTES[0], NOTES[1], statement(9, three, two, [two, three])], 2],
  ])('%s', (_, notes, kept) => {
    const chain = chainOf(notes as string[], [one])
    expect(chain.fault).toMatchObject({ kind: 'key' })
    expect(periods(chain).map(([vkey]) => vkey)).toEqual(
      kept === 0 ? [one.vkey] : signers.slice(0, kept).map(({ vkey }) => vkey),
    )
  })

  test('the fault tells where', () => {
    const offset = Buffer.byteLength(formatStoredNote(NOTES[0] as string))
    const { fault } = chainOf([NOTES[0] as string, statement(10, two, one, [two])], [one])
    expect(fault).toMatchObject({ offset, sequence: 10 })
  })
})

test('somebody else’s chain counts for nothing, whatever signatures are added to it', () => {
  const alien = statement(0, stranger, undefined, [stranger])
  const chain = chainOf([alien], [one])
  expect(chain.fault).toMatchObject({ kind: 'key', sequence: 0 })
  expect(periods(chain)).toEqual([[one.vkey, 0, FOREVER]])
  // A genuine hand-over to a trusted key, made to follow the stranger's own first statement.
  const text = (parseNote(NOTES[1] as string) as Note).text
  const stolen = `${NOTES[1]}${stranger.sign(text)}`
  const forged = chainOf([alien, stolen], [two])
  expect(forged.fault).toMatchObject({ kind: 'key', sequence: 10 })
  expect(periods(forged)).toEqual([[two.vkey, 0, FOREVER]])
})

test('a chain that was cut back before a trusted key', () => {
  const chain = chainOf(NOTES.slice(0, 2), [one, three])
  expect(chain.fault?.message).toContain(three.vkey)
  expect(periods(chain)).toEqual([
    [one.vkey, 0, 10],
    [two.vkey, 10, FOREVER],
    [three.vkey, 0, FOREVER],
  ])
})

test('a key that could not be handed over begins a chain of its own', () => {
  const notes = [NOTES[0] as string, statement(10, two, undefined, [two]), NOTES[2] as string]
  for (const trusted of [[one, two], [one, three], []]) {
    const chain = chainOf(notes, trusted)
    expect(chain.fault).toBeUndefined()
    expect(periods(chain)).toEqual(ALL)
  }
  const offset = Buffer.byteLength(formatStoredNote(notes[0] as string))
  const before = chainOf(notes, [one])
  expect(before.fault).toMatchObject({ kind: 'key', offset, sequence: 10 })
  expect(periods(before)).toEqual(ALL.slice(0, 1))
  const after = chainOf(notes, [three])
  expect(after.fault).toMatchObject({ kind: 'key', offset: 0, sequence: 0 })
  expect(periods(after)).toEqual(ALL.slice(1))
})

test('no statement at all', () => {
  expect(periods(chainOf([], []))).toEqual([])
  expect(chainOf([], []).fault).toBeUndefined()
  expect(chainOf([], [signer(0)]).fault).toMatchObject({ kind: 'key', offset: 0 })
})
