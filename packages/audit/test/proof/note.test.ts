import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createSigner,
  formatVkey,
  type NoteKey,
  parseNote,
  parseVkey,
  signNote,
  verifyNote,
} from '../../src/proof/note.ts'
import { CHECKPOINT, GO_SIGNER, NOTES } from './vectors.ts'

const DASH = '\u2014'
const alice = createSigner(new Uint8Array(32).fill(1), 'example.com/alice')
const bob = createSigner(new Uint8Array(32).fill(2), 'example.com/bob')

function keyOf(vkey: string): NoteKey {
  return parseVkey(vkey) as NoteKey
}

describe('published notes', () => {
  test.each(NOTES)('%s', (vkey, text) => {
    const key = keyOf(vkey)
    const note = parseNote(text)
    expect(note).toEqual(parseNote(Buffer.from(text)))
    expect(note && verifyNote(note, [key])).toEqual([key])
    expect(note && verifyNote(note, [keyOf(alice.vkey)])).toEqual([])
    expect(note && verifyNote({ ...note, text: `${note.text}more\n` }, [key])).toBeUndefined()
  })

  test('the signer of Go’s test', () => {
    const signer = createSigner(GO_SIGNER.seed, GO_SIGNER.name)
    const [vkey, note] = NOTES[1] as [string, string]
    expect(signer.vkey).toBe(vkey)
    expect(signNote(note.slice(0, note.indexOf('\n\n') + 1), [signer])).toBe(note)
  })

  test('of a kind of key that is not ours', () => {
    const [signature] = parseNote(CHECKPOINT)?.signatures ?? []
    expect(signature).toMatchObject({ name: 'example.com/behind-the-sofa', keyId: 0x033de0ae })
  })
})

test('notes of several signers: each key finds its own signature', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' })).map((lines) => {
    return `${lines.map((line) => line.replace(/\p{Cc}|\p{Cs}/gu, '')).join('\n')}\n`
  })
  fc.assert(
    fc.property(texts, (text) => {
      const signed = signNote(text, [alice, bob])
      const note = parseNote(signed)
      expect(note?.text).toBe(text)
      expect(note?.signatures.map(({ keyId }) => keyId)).toEqual([alice.keyId, bob.keyId])
      const keys = [keyOf(bob.vkey), keyOf(alice.vkey)]
      expect(note && verifyNote(note, keys)).toEqual(keys)
    }),
  )
})

test('any byte changed: not a note, or of no known key, or wrong', () => {
  const bytes = Buffer.from(signNote('one\ntwo\n', [alice]))
  const keys = [keyOf(alice.vkey)]
  const seen = { malformed: 0, unknown: 0, wrong: 0 }
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ (1 << bit)
      const note = parseNote(changed)
      const signers = note && verifyNote(note, keys)
      expect(signers?.length ?? 0).toBe(0)
      seen[note === undefined ? 'malformed' : signers === undefined ? 'wrong' : 'unknown']++
    }
  }
  expect(seen.malformed).toBeGreaterThan(0)
  expect(seen.unknown).toBeGreaterThan(0)
  expect(seen.wrong).toBeGreaterThan(0)
})

test('a wrong signature of a known key spoils the note, also beside a right one', () => {
  const line = alice.sign('other\n')
  const note = parseNote(`${signNote('text\n', [alice, bob])}${line}`)
  expect(note && verifyNote(note, [keyOf(bob.vkey)])?.length).toBe(1)
  expect(note && verifyNote(note, [keyOf(bob.vkey), keyOf(alice.vkey)])).toBeUndefined()
})

test('name and id together make the key', () => {
  const text = 'text\n'
  const renamed = parseNote(signNote(text, [alice]).replace('/alice ', '/carol '))
  expect(renamed && verifyNote(renamed, [keyOf(alice.vkey)])).toEqual([])
  const otherId = parseNote(`${text}\n${bob.sign(text).replace('/bob ', '/alice ')}`)
  expect(otherId && verifyNote(otherId, [keyOf(alice.vkey), keyOf(bob.vkey)])).toEqual([])
})

describe('malformed notes', () => {
  const line = alice.sign('text\n')
  test.each([
    ['nothing', ''],
    ['no signature', 'text\n\n'],
    ['no text', `\n${line}`],
    ['no empty line', `text\n${line}`],
    ['no newline at the end', `text\n\n${line.slice(0, -1)}`],
    ['a line that is no signature', `text\n\n${line}more\n`],
    ['a hyphen for the dash', `text\n\n${line.replace(DASH, '-')}`],
    ['no blank behind the dash', `text\n\n${line.replace(`${DASH} `, DASH)}`],
    ['two blanks', `text\n\n${line.replace('alice ', 'alice  ')}`],
    ['no name', `text\n\n${DASH} ${line.split(' ')[2]}`],
    ['a plus in the name', `text\n\n${line.replace('alice', 'al+ce')}`],
    ['a no-break space in the name', `text\n\n${line.replace('alice', 'al\u00a0ce')}`],
    ['no signature bytes', `text\n\n${DASH} name AAAAAA==\n`],
    ['no padding', `text\n\n${DASH} name AAAAAAA\n`],
    ['base64 that is not canonical', `text\n\n${DASH} name AAAAAAB=\n`],
    ['base64url', `text\n\n${DASH} name AAAA__8=\n`],
    ['something behind the signature', `text\n\n${line.slice(0, -1)} \n`],
    ['a carriage return', `text\r\n\n${line}`],
    ['a tab', `te\txt\n\n${line}`],
    ['a NUL', `te\0xt\n\n${line}`],
    ['half a surrogate pair', `te\ud800xt\n\n${line}`],
    ['101 signatures', `text\n\n${line.repeat(101)}`],
  ])('%s', (_, text) => {
    expect(parseNote(text)).toBeUndefined()
  })

  test('bytes that are not UTF-8', () => {
    const bytes = Buffer.from(`text\n\n${line}`)
    expect(parseNote(bytes)).toBeDefined()
    bytes[2] = 0xff
    expect(parseNote(bytes)).toBeUndefined()
  })

  test('a mark of byte order is part of the text', () => {
    const marked = signNote('\ufefftext\n', [alice])
    const note = parseNote(Buffer.from(marked))
    expect(note?.text).toBe('\ufefftext\n')
    expect(note && verifyNote(note, [keyOf(alice.vkey)])?.length).toBe(1)
  })

  test('100 signatures, and never a throw', () => {
    expect(parseNote(`text\n\n${line.repeat(100)}`)?.signatures.length).toBe(100)
    fc.assert(fc.property(fc.uint8Array(), (bytes) => parseNote(bytes) === undefined))
  })
})

describe('vkeys', () => {
  test('of a public key', () => {
    const bytes = Buffer.from(alice.vkey.slice(alice.vkey.lastIndexOf('+') + 1), 'base64')
    expect(formatVkey(alice.name, bytes.subarray(1))).toBe(alice.vkey)
    expect(keyOf(alice.vkey)).toMatchObject({ name: alice.name, keyId: alice.keyId })
  })

  test('any byte changed is no vkey', () => {
    const vkey = NOTES[0]?.[0] as string
    for (let at = 0; at < vkey.length; at++) {
      const code = vkey.charCodeAt(at)
      const changed = `${vkey.slice(0, at)}${String.fromCharCode(code ^ 1)}${vkey.slice(at + 1)}`
      expect(parseVkey(changed), changed).toBeUndefined()
    }
  })

  test.each([
    ['nothing', ''],
    ['no id', 'example.com/foo+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['upper-case id', 'example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'],
    ['blank', 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k '],
  ])('%s', (_, vkey) => {
    expect(parseVkey(vkey)).toBeUndefined()
  })
})

describe('wrong arguments', () => {
  test.each([0, 31, 33, 64])('a seed or key of %i bytes', (length) => {
    expect(() => createSigner(new Uint8Array(length), 'name')).toThrow(RangeError)
    expect(() => formatVkey('name', new Uint8Array(length))).toThrow(RangeError)
  })

  test.each(['', 'a b', 'a+b', 'a\nb', 'a\u2028b', 'a\0b', '\ud800'])('a name: %j', (name) => {
    expect(() => createSigner(new Uint8Array(32), name)).toThrow(RangeError)
  })

  test.each(['', 'text', 'te\rxt\n', '\ud800\n'])('a text: %j', (text) => {
    expect(() => signNote(text, [alice])).toThrow(RangeError)
  })

  test('no signer, too many', () => {
    expect(() => signNote('text\n', [])).toThrow(RangeError)
    expect(() => signNote('text\n', new Array(101).fill(alice))).toThrow(RangeError)
  })

  test('the seed is not needed any more', () => {
    const seed = new Uint8Array(32).fill(1)
    const signer = createSigner(seed, alice.name)
    seed.fill(0)
    expect(signer.sign('text\n')).toBe(alice.sign('text\n'))
  })
})
