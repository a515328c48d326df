/** Paths: nothing that a server would clean, split or decode into another path is ever sent. */
import { Kv2Error, type Kv2Path } from '@secreg/kv2'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeFolder, encodeMount, encodePath } from '../src/path.ts'
import { failureOf, fakeClient, liveAnswer } from './fake-transport.ts'

const REFUSED: readonly (readonly [what: string, path: Kv2Path])[] = [
  ['nothing', ''],
  ['no segment', []],
  ['an empty segment', 'a//b'],
  ['an empty segment in a list', ['a', '']],
  ['a slash at the start', '/a'],
  ['a slash at the end', 'a/'],
  ['a dot', '.'],
  ['two dots', '..'],
  ['two dots within', 'a/../b'],
  ['a dot within', 'a/./b'],
  ['two dots at the end', 'a/..'],
  ['two dots in a list', ['a', '..', 'b']],
  ['a slash in a segment', ['a', 'b/c']],
  ['two dots in a segment', ['a', 'b/../../sys']],
  ['a line end', 'a\nb'],
  ['a carriage return', 'a\rHost: evil'],
  ['a zero', 'a\u0000'],
  ['a delete', 'a\u007f'],
  ['a control of C1', 'a\u0085'],
  ['a format character', 'a\u202eb'],
  ['no-width', 'a\u200bb'],
  ['a line separator', 'a\u2028'],
  ['half a pair', 'a\ud800'],
  ['half a pair at the end', ['\udc00']],
  ['too much', 'x'.repeat(4097)],
  ['too much once encoded', 'ю'.repeat(700)],
]

test.each(REFUSED)('%s is refused before anything is sent', async (_what, path) => {
  const { client, transport } = fakeClient(() => liveAnswer())
  const calls = [
    client.read(path),
    client.subkeys(path),
    client.write(path, {}),
    client.patch(path, {}),
    client.deleteLatest(path),
    client.deleteVersions(path, [1]),
    client.undelete(path, [1]),
    client.destroyVersions(path, [1]),
    client.deleteMetadata(path),
    client.readMetadata(path),
    client.writeMetadata(path, {}),
    client.patchMetadata(path, {}),
  ]
  for (const error of await Promise.all(calls.map(failureOf))) {
    expect(Kv2Error.is(error, 'ERR_KV2_INVALID_PATH')).toBe(true)
  }
  expect(transport.requests).toEqual([])
})

test('a folder may be the root, and end with one slash', () => {
  expect([
    encodeFolder(''),
    encodeFolder('a/b'),
    encodeFolder('a/b/'),
    encodeFolder(['a']),
  ]).toEqual(['', 'a/b/', 'a/b/', 'a/'])
  for (const folder of ['/', 'a//', '../', './', 'a/../', ['a', '..']]) {
    expect(() => encodeFolder(folder)).toThrow(Kv2Error)
  }
})

test('a mount is none of the server itself', () => {
  expect(encodeMount('team/kv')).toBe('team/kv')
  for (const mount of [
    '',
    'sys',
    'sys/raw',
    'auth/token',
    'identity',
    'cubbyhole',
    '../sys',
    'a/..',
  ]) {
    expect(() => encodeMount(mount), mount).toThrow(Kv2Error)
    expect(() => fakeClient(() => liveAnswer(), { mount })).toThrow(Kv2Error)
    expect(() => fakeClient(() => liveAnswer()).client.mount(mount)).toThrow(Kv2Error)
  }
})

test('other than text is a wrong argument', async () => {
  for (const path of [undefined, null, 7, {}, [1], ['a', null]] as unknown as Kv2Path[]) {
    expect(() => encodePath(path)).toThrow(TypeError)
  }
})

describe('of any text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom('.', '/', '%', '2', 'e', 'f', '\\', 'a', '?', '#') }),
  )

  test('what is sent decodes to the same segments, and stays where it is when it is cleaned', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (segments) => {
        let encoded: string
        try {
          encoded = encodePath(segments)
        } catch (error) {
          expect(Kv2Error.is(error, 'ERR_KV2_INVALID_PATH')).toBe(true)
          return
        }
        expect(encoded).toMatch(/^[\w.~!'()*%/-]+$/)
        expect(encoded.split('/').map(decodeURIComponent)).toEqual(segments)
        // The platform's own cleaning, which is that of browsers and Go's mux, changes nothing.
        const url = new URL(`https://h/v1/secret/data/${encoded}`)
        expect(url.pathname).toBe(`/v1/secret/data/${encoded}`)
        // Decoding twice is no way up either.
        expect(decodeURIComponent(encoded).split('/').length).toBe(segments.length)
      }),
    )
  })

  test('text and its segments are the same path', () => {
    fc.assert(
      fc.property(text, (path) => {
        const outcome = (given: Kv2Path): string => {
          try {
            return encodePath(given)
          } catch (error) {
            return (error as Kv2Error).code
          }
        }
        expect(outcome(path)).toBe(outcome(path.split('/')))
      }),
    )
  })
})
