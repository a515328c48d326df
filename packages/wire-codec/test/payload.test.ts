import { decodePayload, encodePayload } from '@secreg/wire-codec'
import { describe, expect, it } from 'vitest'
import { reasonOf } from './reason.ts'

const utf8 = (text: string) => new TextEncoder().encode(text)
const decode = (text: string) => decodePayload(utf8(text))
const INVALID = 'PAYLOAD_INVALID'

describe('decodePayload', () => {
  it('reads every kind of value', () => {
    const text =
      ' \t\r\n{"s":"a:{}[]\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9","n":-1.5e3,"t":true,"f":false,"z":null,"a":[1,[2],{"b":{}}],"o":{"":0}}\n'
    expect(decode(text)).toEqual(JSON.parse(text))
  })

  it('reads texts outside ASCII, short and long, and U+FFFD itself', () => {
    for (const text of ['ž', '€', '😀', '\ufffd', '\ufeff', '\u0000', 'ÿ']) {
      for (const pad of ['', 'x'.repeat(255), 'x'.repeat(1000)]) {
        const value = { [`k${text}`]: pad + text + pad, b: `${text}"\\${pad}` }
        expect(decodePayload(utf8(JSON.stringify(value)))).toEqual(value)
      }
    }
  })

  it('takes nothing for an empty object', () => {
    expect(decodePayload(new Uint8Array())).toEqual({})
  })

  it('reads a part of a larger buffer', () => {
    const bytes = utf8('xx{"a":"ž"}xx')
    expect(decodePayload(bytes.subarray(2, -2))).toEqual({ a: 'ž' })
    expect(decodePayload(Buffer.from(bytes).subarray(2, -2))).toEqual({ a: 'ž' })
  })

  it.each([
    ['twice', '{"a":1,"a":1}'],
    ['escaped', '{"a":1,"\\u0061":2}'],
    ['escaped twice', '{"\\u0061":1,"\\u0061":2}'],
    ['an escaped solidus', '{"/":1,"\\/":2}'],
    ['empty', '{"":1,"":2}'],
    ['below', '{"a":{"b":1,"b":2}}'],
    ['in an array', '{"a":[[{"b":1},{"b":1,"c":{"d":0,"d":0}}]]}'],
    ['whose first has a tree of its own', '{"a":{"x":1,"y":{"z":2}},"a":{"x":1,"y":2}}'],
    ['after names with colons', '{":":":","a:":1,"a:":2}'],
    ['__proto__', '{"__proto__":{"a":1},"__proto__":{"b":1}}'],
    ['a pair of surrogates', '{"😀":1,"\\ud83d\\ude00":2}'],
    ['index-like', '{"1":1,"1":2}'],
    ['long', `{"${'k'.repeat(300)}":1,"${'k'.repeat(300)}":2}`],
  ])('refuses a name that comes %s', (_name, text) => {
    expect(() => JSON.parse(text)).not.toThrow()
    expect(reasonOf(() => decode(text))).toBe(INVALID)
  })

  it('takes the same name in different objects, and names that differ in form only', () => {
    for (const text of [
      '{"a":{"a":{"a":[{"a":1},{"a":2}]}}}',
      '{"é":1,"e\\u0301":2}',
      '{"a":1,"A":2," a":3,"\\\\u0061":4}',
      '{"a":"a\\":1,\\"a","b":":::"}',
    ]) {
      expect(decode(text)).toEqual(JSON.parse(text))
    }
  })

  it('keeps __proto__ and constructor members and pollutes nothing', () => {
    const value = decode('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect((value as { polluted?: unknown }).polluted).toBeUndefined()
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('takes 32 levels and no more', () => {
    const nested = (depth: number, open: string, close: string) =>
      `{"a":${open.repeat(depth - 1)}0${close.repeat(depth - 1)}}`
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      expect(decode(nested(32, open, close))).toHaveProperty('a')
      expect(reasonOf(() => decode(nested(33, open, close)))).toBe(INVALID)
    }
    expect(reasonOf(() => decode('{"a":'.repeat(100_000)))).toBe(INVALID)
    expect(decode(`{"a":"${'['.repeat(100)}"}`)).toHaveProperty('a')
    expect(decode(`{"a":[${'[],'.repeat(100)}0]}`)).toHaveProperty('a')
  })

  it.each([
    '\ufeff{}',
    '[]',
    '"a"',
    '1',
    'null',
    'true',
    ' ',
    '\n',
    '\0',
    '{',
    '}',
    '{}}',
    '{}{}',
    '{} x',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '{"a":01}',
    '{"a":NaN}',
    '{"a":undefined}',
    '{"a":1}//',
    '{"a":"\n"}',
    '{"a":"\\x41"}',
    '{"a":"\\u12"}',
    '{"a":"\\ud83d\\"}',
    '{"a":"\\ud8"}',
    '{"a":"\\udc"}',
    '{"a"',
    '{"a":"b',
    '{"a":"b\\',
    '{"a":"b\\u',
    '{"a":"b\\ud',
    `{"a":"${'x'.repeat(1000)}`,
    `{"a":"${'x'.repeat(1000)}\\`,
    '{]',
    '\u00a0{}',
    '{\u00a0}',
    '{}\u2003',
    '\x01',
    '\v{}',
  ])('refuses %j', (text) => {
    expect(reasonOf(() => decode(text))).toBe(INVALID)
  })

  it.each([
    ['a lone continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xc0, 0x80]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a pair of encoded surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a cut sequence', [0xe2, 0x82]],
    ['0xFF', [0xff]],
    ['Latin-1', [0xe9]],
  ])('refuses UTF-8 with %s, in names, values and long texts', (_name, bytes) => {
    const bad = Buffer.from(bytes).toString('latin1')
    for (const text of [
      `{"a":"${bad}"}`,
      `{"${bad}":1}`,
      `{"a":"${'x'.repeat(999)}${bad}"}`,
      `{"a":"${'x'.repeat(999)}${bad}\u00ef\u00bf\u00bd"}`,
      `${bad}{}`,
      `{}${bad}`,
    ]) {
      expect(reasonOf(() => decodePayload(Buffer.from(text, 'latin1')))).toBe(INVALID)
    }
  })

  it.each([
    '\\ud800',
    '\\uD800',
    '\\udbFF',
    '\\udc00',
    '\\uDfff',
    '\\ud83d\\ud83d\\ude00',
    '\\ude00\\ud83d',
    '\\ud83dx\\ude00',
    '\\ud83d\\n',
    '\\ud83d\\u0041',
    '\\ud83d\\\\ude00',
    '\\ud83d😀',
  ])('refuses the lone surrogate %s', (escaped) => {
    for (const text of [
      `{"a":"${escaped}"}`,
      `{"${escaped}":1}`,
      `{"a":"${'x'.repeat(700)}${escaped}"}`,
    ]) {
      expect(() => JSON.parse(text)).not.toThrow()
      expect(reasonOf(() => decode(text))).toBe(INVALID)
    }
  })

  it.each([
    '\\ud83d\\ude00',
    '\\uD83D\\uDE00\\ud83d\\ude00',
    '\\ud7ff\\ue000',
    '\\\\ud800',
    '\\u0064800',
  ])('takes %s', (escaped) => {
    for (const text of [`{"a":"${escaped}","b":2}`, `{"a":"${'x'.repeat(700)}${escaped}"}`]) {
      expect(decode(text)).toEqual(JSON.parse(text))
    }
  })

  it('says nothing of the payload', () => {
    for (const text of [
      '{"password":"hunter2"',
      '{"hunter2":1,"hunter2":2}',
      '"hunter2"',
      '{"hunter2":x}',
    ]) {
      try {
        decode(text)
        expect.unreachable()
      } catch (error) {
        expect(String(error)).not.toContain('hunter')
        expect((error as Error).cause).toBeUndefined()
      }
    }
  })

  it('is linear in quotes, backslashes and long texts', () => {
    for (const unit of ['\\"', `\\"${'x'.repeat(300)}`, 'x', '\\\\', '\\n']) {
      const text = `{"a":"${unit.repeat(Math.floor(500_000 / unit.length))}","b":1}`
      expect(decode(text)).toEqual(JSON.parse(text))
    }
    const many = `{"a":[${`"${'y'.repeat(300)}",`.repeat(3000)}0]}`
    expect(decode(many)).toEqual(JSON.parse(many))
  })

  it.each([null, undefined, '{}', {}, new ArrayBuffer(2), new Int8Array(2)])(
    'refuses %s',
    (value) => {
      expect(() => decodePayload(value as never)).toThrow(TypeError)
    },
  )
})

describe('encodePayload', () => {
  it('writes what decodePayload reads', () => {
    const value = { key: '/a', n: 1, list: ['ž😀', { a: null }], 'back\\ud800': '\\ud800\\\\udc00' }
    expect(decode(encodePayload(value))).toEqual(value)
    expect(encodePayload({ a: undefined })).toBe('{}')
  })

  it.each([{ a: '\ud800' }, { a: 'x\udc00\\' }, { '\udfff': 1 }, { a: [{ b: '\\\ud800' }] }])(
    'refuses lone surrogates (%j)',
    (value) => {
      expect(reasonOf(() => encodePayload(value))).toBe(INVALID)
      expect(reasonOf(() => decode(JSON.stringify(value)))).toBe(INVALID)
    },
  )

  it.each([null, undefined, 1, 'x', [], [1], () => 1, new Date(), { toJSON: () => 1 }, { a: 1n }])(
    'refuses %s',
    (value) => {
      expect(() => encodePayload(value as never)).toThrow(TypeError)
    },
  )
})
