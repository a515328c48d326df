import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatCheckpoint,
  formatKeyStatement,
  formatRetention,
  parseCheckpoint,
  parseKeyStatement,
  parseRetention,
  parseStatement,
} from '../../src/proof/checkpoint.ts'
import { createSigner, parseNote, signNote } from '../../src/proof/note.ts'
import { formatStoredNote, readNotes } from '../../src/proof/notes-file.ts'
import { CHECKPOINT, hex, NOTES } from './vectors.ts'

const ORIGIN = 'secreg/audit/00112233445566778899aabbccddeeff'
const root = new Uint8Array(32).fill(7)
const hash = 'ab'.repeat(32)
const one = createSigner(new Uint8Array(32).fill(1), ORIGIN)
const two = createSigner(new Uint8Array(32).fill(2), ORIGIN)

const checkpoint = formatCheckpoint({ origin: ORIGIN, size: 12, root })
const first = formatKeyStatement({ origin: ORIGIN, size: 0, vkey: one.vkey })
const next = formatKeyStatement({ origin: ORIGIN, size: 9, vkey: two.vkey, previous: one.vkey })
const retention = formatRetention({ origin: ORIGIN, segment: 3, size: 8, hash, root })

describe('published checkpoints', () => {
  test('of the specification', () => {
    expect(parseCheckpoint(parseNote(CHECKPOINT)?.text ?? '')).toEqual({
      origin: 'example.com/behind-the-sofa',
      size: 20852163,
      root: hex('0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62'),
      extensions: [],
    })
  })

  test('of Go’s checksum database, whose origin has blanks', () => {
    const text = parseNote(NOTES[2]?.[1] ?? '')?.text ?? ''
    expect(parseStatement(text)).toMatchObject({
      kind: 'checkpoint',
      origin: 'go.sum database tree',
      size: 72097574,
    })
  })
})

test('what is formatted is read, as what it is', () => {
  expect(checkpoint).toBe(`${ORIGIN}\n12\n${Buffer.from(root).toString('base64')}\n`)
  expect(parseStatement(checkpoint)).toEqual({
    kind: 'checkpoint',
    ...{ origin: ORIGIN, size: 12, root, extensions: [] },
  })
  expect(parseStatement(first)).toEqual({ kind: 'key', origin: ORIGIN, size: 0, vkey: one.vkey })
  expect(parseStatement(next)).toEqual({
    kind: 'key',
    ...{ origin: ORIGIN, size: 9, vkey: two.vkey, previous: one.vkey },
  })
  expect(parseStatement(retention)).toEqual({
    kind: 'retention',
    ...{ origin: ORIGIN, segment: 3, size: 8, hash, root },
  })
  const extended = formatCheckpoint({ origin: ORIGIN, size: 12, root, extensions: ['a', 'b c'] })
  expect(parseCheckpoint(extended)?.extensions).toEqual(['a', 'b c'])
  for (const text of [checkpoint, first, next, retention]) {
    const read = [parseCheckpoint(text), parseKeyStatement(text), parseRetention(text)]
    expect(read.filter((value) => value !== undefined).length).toBe(1)
  }
})

describe('malformed texts', () => {
  const replace = (text: string, from: string | RegExp, to: string): string => {
    const changed = text.replace(from, to)
    expect(changed).not.toBe(text)
    return changed
  }
  test.each([
    ['no newline at the end', checkpoint.slice(0, -1)],
    ['an empty line', replace(checkpoint, '\n12\n', '\n\n12\n')],
    ['an empty line at the end', `${checkpoint}\n`],
    ['no origin', replace(checkpoint, ORIGIN, '')],
    ['no root', `${ORIGIN}\n12\n`],
    ['leading zero', replace(checkpoint, '\n12\n', '\n012\n')],
    ['sign', replace(checkpoint, '\n12\n', '\n+12\n')],
    ['blank', replace(checkpoint, '\n12\n', '\n12 \n')],
    ['exponent', replace(checkpoint, '\n12\n', '\n1e1\n')],
    ['2^53', replace(checkpoint, '\n12\n', '\n9007199254740992\n')],
    ['20 digits', replace(checkpoint, '\n12\n', '\n18446744073709551616\n')],
    ['root of 31 bytes', `${ORIGIN}\n12\n${Buffer.alloc(31).toString('base64')}\n`],
    ['root of 33 bytes', `${ORIGIN}\n12\n${Buffer.alloc(33).toString('base64')}\n`],
    ['root without padding', replace(checkpoint, '=\n', '\n')],
    ['root that is not canonical', replace(checkpoint, /.=\n/, '9=\n')],
    ['a reserved title', 'secreg audit other\n12\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n'],
    ['key: no vkey', replace(first, `${one.vkey}\n`, '')],
    ['key: a third key', `${next}${one.vkey}\n`],
    ['key: of another origin', replace(first, ORIGIN, `${ORIGIN}0`)],
    ['key: no number', replace(first, '\n0\n', '\n-\n')],
    ['key: a damaged vkey', replace(first, '+', '+0')],
    ['retention: a line more', `${retention}more\n`],
    ['retention: a line less', retention.split('\n').toSpliced(4, 1).join('\n')],
    ['retention: of no segment', replace(retention, '\n3\n', '\n0\n')],
    ['retention: of no line', replace(retention, '\n8\n', '\n0\n')],
    ['retention: upper-case hash', replace(retention, hash, hash.toUpperCase())],
  ])('%s', (_, text) => {
    expect(parseStatement(text)).toBeUndefined()
  })

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => parseStatement(text) === undefined))
  })

  test('the largest size', () => {
    const size = Number.MAX_SAFE_INTEGER
    expect(parseCheckpoint(formatCheckpoint({ origin: ORIGIN, size, root }))?.size).toBe(size)
  })
})

test('wrong arguments are refused', () => {
  for (const size of [-1, 0.5, Number.NaN, 2 ** 53]) {
    expect(() => formatCheckpoint({ origin: ORIGIN, size, root })).toThrow(RangeError)
    expect(() => formatKeyStatement({ origin: ORIGIN, size, vkey: one.vkey })).toThrow(RangeError)
  }
  for (const origin of ['', 'a b', 'a+b', 'a\nb', 'secreg audit key']) {
    expect(() => formatCheckpoint({ origin, size: 1, root })).toThrow(RangeError)
  }
  const extensions = ['']
  expect(() => formatCheckpoint({ origin: ORIGIN, size: 1, root, extensions })).toThrow(RangeError)
  const short = root.subarray(1)
  expect(() => formatCheckpoint({ origin: ORIGIN, size: 1, root: short })).toThrow(RangeError)
  expect(() => formatKeyStatement({ origin: 'else', size: 1, vkey: one.vkey })).toThrow(RangeError)
  expect(() => formatRetention({ origin: ORIGIN, segment: 1, size: 1, hash: 'ab', root })).toThrow(
    RangeError,
  )
})

describe('the file of notes', () => {
  const texts = [first, checkpoint, next, retention]
  const stored = texts.map((text) => formatStoredNote(signNote(text, [one, two])))
  const file = Buffer.from(stored.join(''))
  const ends = stored.map((_, index) => Buffer.byteLength(stored.slice(0, index + 1).join('')))

  test('is read note by note', () => {
    const { notes, end, tornBytes, damage } = readNotes(file)
    expect(notes.map(({ note }) => note.text)).toEqual(texts)
    expect(notes.map((note) => note.end)).toEqual(ends)
    expect(notes.map(({ offset }) => offset)).toEqual([0, ...ends.slice(0, -1)])
    expect({ end, tornBytes, damage }).toEqual({ end: file.length, tornBytes: 0, damage: [] })
    expect(readNotes(file.toString())).toEqual(readNotes(file))
    expect(readNotes('')).toEqual({ notes: [], end: 0, tornBytes: 0, damage: [] })
  })

  test('cut anywhere, it is torn and not damaged', () => {
    for (let at = 0; at <= file.length; at++) {
      const whole = ends.filter((end) => end <= at)
      const end = whole.at(-1) ?? 0
      const read = readNotes(file.subarray(0, at))
      expect(read).toMatchObject({ end, tornBytes: at - end, damage: [] })
      expect(read.notes.length).toBe(whole.length)
    }
  })

  test('a loss of power that leaves NUL bytes tears the tail', () => {
    const start = ends[2] as number
    for (let at = start; at < file.length - 1; at++) {
      const holes = Buffer.from(file).fill(0, at, Math.min(at + 40, file.length))
      expect(readNotes(holes)).toMatchObject({ end: start, tornBytes: file.length - start })
      expect(readNotes(holes).damage).toEqual([])
    }
    const amidst = Buffer.from(file).fill(0, 10, 50)
    expect(readNotes(amidst)).toMatchObject({ damage: [0], tornBytes: 0 })
  })

  test.each([0, 1, 2])('a byte removed from note %i: the others are still read', (index) => {
    const start = index === 0 ? 0 : (ends[index - 1] as number)
    for (let at = start; at < (ends[index] as number); at++) {
      const { notes, damage } = readNotes(
        Buffer.concat([file.subarray(0, at), file.subarray(at + 1)]),
      )
      const kept = notes.map(({ note }) => note.text)
      if (damage.length === 0) expect(kept.length).toBe(4)
      else expect(damage[0]).toBe(start)
      for (const other of texts.slice(index + 2)) expect(kept).toContain(other)
    }
  })

  test('an empty line too many, signatures without a text, a text without signatures', () => {
    const [a, b] = stored as [string, string]
    expect(readNotes(`${a}\n${b}`).damage).toEqual([ends[0]])
    const signatures = b.slice(b.indexOf('\n\n') + 2)
    expect(readNotes(`${a}${signatures}`)).toMatchObject({ damage: [ends[0]], tornBytes: 0 })
    const text = `${checkpoint}\n`
    expect(readNotes(`${a}${text}${b}`)).toMatchObject({ damage: [ends[0]], tornBytes: 0 })
    expect(readNotes(`${a}${text}${b}`).notes.length).toBe(2)
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(file.length), (bytes, at) => {
        const { end, tornBytes } = readNotes(
          Buffer.concat([file.subarray(0, at), bytes, file.subarray(at)]),
        )
        expect(end + tornBytes).toBe(file.length + bytes.length)
      }),
    )
  })
})
