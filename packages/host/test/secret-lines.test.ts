import {
  HostError,
  readAllSecretLines,
  readSecretLines,
  SECRET_LINE_BYTES,
} from '@secreg/host/terminal'
import { describe, expect, test } from 'vitest'

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* parts
}

async function codeOf(run: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return HostError.is(error) ? error.code : String(error)
  }
}

describe('readSecretLines', () => {
  test.each([
    [['one\ntwo\n'], ['one', 'two']],
    [
      ['o', 'ne\nt', 'wo'],
      ['one', 'two'],
    ],
    [
      [' spaces stay \n', '\u00e9\n'],
      [' spaces stay ', '\u00e9'],
    ],
    [[Buffer.from('caf\u00e9').subarray(0, 4), Buffer.from('\u00e9\ntwo').subarray(1)], undefined],
    [['one\ntwo\nthree\n'], ['one', 'two']],
  ])('%j', async (parts, lines) => {
    const read = readSecretLines(chunks(...parts), ['first', 'second'])
    if (lines === undefined) expect((await read)[0]).toBe('caf\u00e9')
    else expect(await read).toEqual(lines)
  })

  test('reads no further than it must', async () => {
    const source = chunks('one\n', 'not touched\n')
    expect(await readSecretLines(source, ['first'])).toEqual(['one'])
  })

  test('a line that is missing, empty, not UTF-8 or too long', async () => {
    const names = ['passphrase', 'password']
    for (const parts of [[], ['one\n'], ['\ntwo\n'], [Buffer.of(0xff, 0x0a, 0x41, 0x0a)]]) {
      expect(await codeOf(() => readSecretLines(chunks(...parts), names))).toBe('ERR_HOST_INPUT')
    }
    const long = 'x'.repeat(2 * SECRET_LINE_BYTES + 1)
    expect(await codeOf(() => readSecretLines(chunks(long), names))).toBe(
      'ERR_HOST_INPUT_TOO_LARGE',
    )
  })

  test('reads all lines to the end where nobody knows how many there are', async () => {
    expect(await readAllSecretLines(chunks('one\ntw', 'o\n\nthree'))).toEqual([
      'one',
      'two',
      'three',
    ])
    const long = 'x'.repeat(16 * SECRET_LINE_BYTES + 1)
    expect(await codeOf(() => readAllSecretLines(chunks(long)))).toBe('ERR_HOST_INPUT_TOO_LARGE')
  })

  test('names the line that is missing, never what was given', async () => {
    await expect(readSecretLines(chunks('hunter2\n'), ['passphrase', 'password'])).rejects.toThrow(
      /^line 2 of standard input is missing or empty: password$/,
    )
  })
})
