import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ForwardRecord } from '../../src/sinks/source.ts'
import {
  createSyslogFormatter,
  MIN_MESSAGE_BYTES,
  type SyslogFormatOptions,
} from '../../src/sinks/syslog/format.ts'
import { restoreLine } from '../../src/sinks/syslog/visible.ts'
import { leaf } from '../support.ts'
import { HOSTILE_TEXTS, lineOf, recordOf } from './support.ts'

/** SYSLOG-MSG by the grammar of RFC 5424 §6, written apart from the code under test. */
const HEADER =
  /^<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) /
const ELEMENT = /^\[([!#-<>-\\^-~]{1,32})((?: [!#-<>-\\^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\]/
const PARAM = / ([^=]+)="((?:[^"\\\]]|\\.)*)"/g

interface Message {
  priority: number
  time: string
  host: string
  app: string
  process: string
  msgid: string
  data: Record<string, Record<string, string>>
  text: string
}

function parse(bytes: Buffer): Message {
  const all = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const head = HEADER.exec(all)
  if (head === null) throw new Error(`no header: ${all.slice(0, 200)}`)
  const [whole, priority, time, host, app, process, msgid] = head as unknown as string[]
  let rest = all.slice((whole as string).length)
  const data: Message['data'] = {}
  for (let match = ELEMENT.exec(rest); match !== null; match = ELEMENT.exec(rest)) {
    const params: Record<string, string> = {}
    for (const [, name, value] of (match[2] as string).matchAll(PARAM)) {
      params[name as string] = (value as string).replace(/\\(.)/g, '$1')
    }
    data[match[1] as string] = params
    rest = rest.slice(match[0].length)
  }
  if (!rest.startsWith(' \ufeff')) throw new Error(`no message: ${rest.slice(0, 200)}`)
  const text = rest.slice(2)
  return { priority: Number(priority), time, host, app, process, msgid, data, text } as Message
}

const OPTIONS: SyslogFormatOptions = {
  maxBytes: 2048,
  hostname: 'vault-1.example.org',
  processId: '77',
}

function format(record: ForwardRecord, options: Partial<SyslogFormatOptions> = {}): Message {
  const bytes = createSyslogFormatter({ ...OPTIONS, ...options })(record)
  expect(bytes.length).toBeLessThanOrEqual(options.maxBytes ?? OPTIONS.maxBytes)
  // No control character, no second BOM, nothing that splits lines.
  const shown = bytes.toString('utf8').replace('\ufeff', '')
  expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u)
  return parse(bytes)
}

test('a whole message, to the byte', () => {
  const record = recordOf({ user: 'alice', action: 'read' })
  const message = createSyslogFormatter({
    ...OPTIONS,
    enterprise: 99_999,
    describe: ({ body }) => ({
      severity: 5,
      msgid: 'read',
      params: { user: (body as { user: string }).user, outcome: 'ok' },
    }),
  })(record)
  expect(message.toString()).toBe(
    '<85>1 2026-11-22T07:04:05.124Z vault-1.example.org secreg 77 read ' +
      '[meta sequenceId="1"][origin software="secreg"]' +
      `[secreg@99999 seq="1" leaf="${leaf(record.line)}" user="alice" outcome="ok"] ` +
      `\ufeff${record.line}`,
  )
})

test('without an enterprise number only registered elements are used', () => {
  const { data, text } = format(recordOf({ a: 1 }), {
    describe: () => ({ severity: 6, msgid: '', params: { user: 'alice' } }),
  })
  expect(data).toEqual({ meta: { sequenceId: '1' }, origin: { software: 'secreg' } })
  expect(text).toBe(recordOf({ a: 1 }).line)
})

test('what the owner does not say is informational, without kind', () => {
  expect(format(recordOf({}))).toMatchObject({ priority: 86, msgid: '-', host: OPTIONS.hostname })
})

test('the number wraps as RFC 5424 §7.3.1 says', () => {
  const at = (sequence: number): string | undefined =>
    format({ ...recordOf({}), sequence }).data['meta']?.['sequenceId']
  expect([at(1), at(2_147_483_647), at(2_147_483_648), at(4_294_967_295)]).toEqual([
    '1',
    '2147483647',
    '1',
    '1',
  ])
})

describe('weakness 53: nothing in a name forges a message', () => {
  test.each(HOSTILE_TEXTS)('%j', (text) => {
    const record = recordOf({ user: text, path: [text, { [text]: text }] })
    const message = format(record, {
      enterprise: 7,
      hostname: text,
      processId: text,
      describe: () => ({ severity: 4, msgid: text, params: { user: text, [text]: 'x', z: 'z' } }),
    })
    expect(Object.keys(message.data)).toEqual(['meta', 'origin', 'secreg@7'])
    expect(message.data['secreg@7']).toMatchObject({ seq: '1', leaf: leaf(record.line), z: 'z' })
    expect(message.priority).toBe(84)
    expect(JSON.parse(message.text)).toEqual(JSON.parse(record.line))
    expect(restoreLine(message.text)).toBe(record.line)
  })
})

test('the line can be had back from a message, for any body', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      const record = recordOf({ value, text, [text]: `\\${text}` })
      const { text: shown } = format(record, { maxBytes: 1_000_000 })
      expect(restoreLine(shown)).toBe(record.line)
      expect(JSON.parse(shown)).toEqual(JSON.parse(record.line))
    }),
    { numRuns: 500 },
  )
})

test('parameters cannot pass for the fixed ones, and wrong descriptions stop nothing', () => {
  const record = recordOf({})
  const spoof = { seq: '9', leaf: 'ff', user: 'u' }
  const { data } = format(record, {
    enterprise: 7,
    describe: () => ({ severity: 6, msgid: 'x', params: spoof }),
  })
  expect(data['secreg@7']).toEqual({ seq: '1', leaf: leaf(record.line), user: 'u' })
  for (const wrong of [undefined, null, { severity: 9, msgid: 'm', params: { n: 1 } }]) {
    const message = format(record, { describe: () => wrong as never })
    expect(message.priority).toBe(86)
  }
  const thrown = format(record, {
    describe: () => {
      throw new Error('cannot cope')
    },
  })
  expect(thrown.text).toBe(record.line)
})

describe('a line that is too long', () => {
  const long = recordOf({ user: '𝄞'.repeat(4000) })

  test('becomes an object with its envelope, its hash and its length', () => {
    const record = { ...long, revision: 12 }
    const line = lineOf(record)
    const message = format(
      { ...record, line },
      {
        enterprise: 7,
        describe: () => ({ severity: 6, msgid: 'read', params: { user: 'alice', outcome: 'ok' } }),
      },
    )
    expect(message.text).toBe(
      `{"seq":1,"time":"2026-11-22T07:04:05.124Z","prev":"${record.previous}","rev":12,` +
        `"leaf":"${leaf(line)}","cut":${Buffer.byteLength(line)},` +
        '"about":{"user":"alice","outcome":"ok"}}',
    )
    expect(message.data['secreg@7']).toMatchObject({ user: 'alice', outcome: 'ok' })
  })

  test('exactly at the limit a line is whole, one byte above it is cut', () => {
    for (let extra = 0; extra < 2; extra++) {
      const record = recordOf({ text: 'é'.repeat(600) + 'x'.repeat(extra) })
      const whole = createSyslogFormatter({ ...OPTIONS, maxBytes: 100_000 })(record).length
      const limit = whole - extra
      const { text } = format(record, { maxBytes: limit })
      expect(text === record.line).toBe(extra === 0)
      if (extra === 1) expect(JSON.parse(text)).toMatchObject({ seq: 1, leaf: leaf(record.line) })
    }
  })

  test('whatever the names are: in the limit, valid, with number and hash', () => {
    const texts = fc.string({ unit: 'binary', maxLength: 400 })
    const params = fc.dictionary(fc.oneof(texts, fc.constantFrom(...HOSTILE_TEXTS)), texts)
    const size = fc.integer({ min: MIN_MESSAGE_BYTES, max: 4000 })
    const names = fc.record({ hostname: texts, processId: texts, msgid: texts })
    fc.assert(
      fc.property(params, size, names, (given, maxBytes, { msgid, ...rest }) => {
        const record = {
          ...long,
          sequence: Number.MAX_SAFE_INTEGER,
          revision: Number.MAX_SAFE_INTEGER,
        }
        const { text, data } = format(record, {
          ...rest,
          maxBytes,
          facility: 23,
          enterprise: 4_294_967_295,
          describe: () => ({ severity: 7, msgid, params: given }),
        })
        const own = { seq: String(record.sequence), leaf: leaf(record.line) }
        expect(data['secreg@4294967295']).toMatchObject(own)
        expect(JSON.parse(text)).toMatchObject({ seq: record.sequence, leaf: own.leaf })
      }),
      { numRuns: 500 },
    )
  })

  test('a value is cut between characters', () => {
    for (let shift = 0; shift < 8; shift++) {
      const { text, data } = format(long, {
        enterprise: 7,
        describe: () => ({
          severity: 6,
          msgid: '',
          params: { user: 'a'.repeat(shift) + '𝄞é'.repeat(200) },
        }),
      })
      const shown = data['secreg@7']?.['user'] as string
      expect(shown).toMatch(/^a*(𝄞é)*𝄞?$/u)
      expect(Buffer.byteLength(shown)).toBeGreaterThan(250)
      expect(JSON.parse(text).about.user).toBe(shown)
    }
  })
})

test.each([
  ['maxBytes', { maxBytes: 1023 }],
  ['maxBytes', { maxBytes: Number.NaN }],
  ['facility', { facility: 24 }],
  ['facility', { facility: -1 }],
  ['enterprise', { enterprise: 0 }],
  ['enterprise', { enterprise: 1.5 }],
  ['enterprise', { enterprise: 32_473 }],
  ['enterprise', { enterprise: 4_294_967_296 }],
])('%s out of range: %j', (name, options) => {
  expect(() => createSyslogFormatter({ ...OPTIONS, ...options })).toThrow(
    expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(name) }),
  )
})
