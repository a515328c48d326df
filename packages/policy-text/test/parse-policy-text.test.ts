import { compile, PolicyError } from '@secreg/policy-engine'
import {
  MAX_POLICY_TEXT_LENGTH,
  POLICY_TEXT_FORMATS,
  PolicyTextError,
  type PolicyTextFormat,
  parsePolicyText,
} from '@secreg/policy-text'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outcome } from './support.ts'

const formats = fc.constantFrom(...POLICY_TEXT_FORMATS)

/** Pieces of all three languages, so that parsers get far before they fail. */
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['{', '}', '[', ']', '"', "'", '"""', '=', ':', ',', '.', '#', '//', '/*', '*/', '\\'],
        ...['\n', '\r\n', ' ', '<<E\n', '<<-E\n', 'E\n', 'path "a" {', 'capabilities = [', '"x"'],
        ...['__proto__', '"__proto__"', 'constructor', '\\u0041', '\\ud800', '1', '-', '1e9', '0x'],
        ...['[[a]]\n', '[a.b]\n', 'a = 1\n', '{"a":', 'true', 'nan', '2026-01-01', '\u2028', '\0'],
      ),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''))

describe('parsePolicyText', () => {
  it.each<[string, unknown, unknown]>([
    ['text', undefined, { format: 'json' }],
    ['text', new Uint8Array(2), { format: 'json' }],
    ['text', null, { format: 'json' }],
    ['format', '{}', {}],
    ['format', '{}', undefined],
    ['format', '{}', null],
    ['format', '{}', { format: 'yaml' }],
    ['format', '{}', { format: 'toString' }],
    ['format', '{}', { format: ['json'] }],
    ['name', '{}', { format: 'json', name: 7 }],
  ])('refuses a wrong %s', (argument, text, options) => {
    const call = () => parsePolicyText(text as string, options as { format: 'json' })
    expect(call).toThrow(TypeError)
    expect(call).toThrow(argument)
  })

  it('throws nothing but its error, within the text, and pollutes nothing', () => {
    fc.assert(
      fc.property(formats, soup, (format, text) => {
        try {
          const { document, locate } = parsePolicyText(text, { format })
          expect(JSON.parse(JSON.stringify(document))).toEqual(document)
          expect(locate('/path/a/0').line).toBeGreaterThan(0)
        } catch (error) {
          if (!PolicyTextError.is(error)) throw error
          const lines = text.split('\n')
          expect(error.line).toBeGreaterThanOrEqual(1)
          expect(error.line).toBeLessThanOrEqual(lines.length)
          expect(error.column).toBeGreaterThanOrEqual(1)
          expect(error.column).toBeLessThanOrEqual((lines[error.line - 1] as string).length + 1)
        }
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
      { numRuns: 5000 },
    )
  })

  it('repeats nothing of the text', () => {
    const canary = 'hunter2x'
    const texts = [
      ...[`${canary}`, `{"a": ${canary}}`, `{"${canary}":1,"${canary}":2}`, `{"a":"${canary}\t"}`],
      ...[`${canary} = ${canary}`, `a = "${canary}`, `[${canary}]\n[${canary}]`, `a = 1 ${canary}`],
      ...[`a = "\\q${canary}"`, `path "${canary}" {} path "${canary}" {}`, `a = <<E\n${canary}`],
      ...[`a = 2026-01-01T${canary}`, `"__proto__" = "${canary}"`, `a = { b = "\\q${canary}" }`],
      ...[`a = 1_${canary}`, `a = "\n${canary}"`, `a = [ "${canary}" "x" ]`],
    ]
    let refusals = 0
    for (const text of texts) {
      for (const format of POLICY_TEXT_FORMATS) {
        try {
          parsePolicyText(text, { format })
        } catch (error) {
          refusals++
          expect(String(error) + JSON.stringify(error)).not.toContain('hunter')
        }
      }
    }
    expect(refusals).toBeGreaterThan(40)
  })

  it('names the text in its messages', () => {
    const read = () => parsePolicyText('{\n  "a" 1 }', { format: 'json', name: 'web.json' })
    expect(read).toThrow('web.json:2:7: not JSON from here')
    expect(() => parsePolicyText('a', { format: 'hcl' })).toThrow(/^1:2: the text ends early$/)
  })

  it.each(POLICY_TEXT_FORMATS)('bounds the length of %s', (format) => {
    const empty = format === 'json' ? '{}' : ''
    const longest = empty + ' '.repeat(MAX_POLICY_TEXT_LENGTH - empty.length)
    expect(outcome(format, longest)).toEqual({})
    expect(outcome(format, `${longest} `)).toBe(`ERR_POLICY_TEXT_LIMIT 1:${longest.length + 1}`)
  })

  const long = (piece: string, before = '', after = '') => {
    const room = MAX_POLICY_TEXT_LENGTH - before.length - after.length
    return before + piece.repeat(Math.floor(room / piece.length)) + after
  }

  it.each<[PolicyTextFormat, string, string]>([
    ['json', 'open strings', long('\\"', '"')],
    ['json', 'an escape', long('\\\\', '["', '"]')],
    ['json', 'one string', long('a', '["', '"]')],
    ['json', 'items', long('[],', '[', '0]')],
    ['json', 'line ends', long('\n', '[', ']')],
    ['hcl', 'open strings', long('\\"', 'a = "')],
    ['hcl', 'open comments', long('/*')],
    ['hcl', 'open comments behind an error', long('/*', '= ')],
    ['hcl', 'stars', long('*', '/*', '*/')],
    ['hcl', 'open here-documents', long('<<A\n', 'a = ')],
    ['hcl', 'one here-document', long('a\n', 'a = <<E\n', 'E\n')],
    ['hcl', 'one pattern again and again', long('path "a" { capabilities = ["read"] }\n')],
    ['hcl', 'labels', long('a ', 'a ')],
    ['toml', 'one string', long('a', 'a = "', '"')],
    ['toml', 'one key', long('a.', '', 'a = 1')],
    ['toml', 'tables', long('[[a]]\n')],
    ['toml', 'quotes', long('"', 'a = ')],
    ['toml', 'inline tables', long('{},', 'a = [', '{}]')],
    ['toml', 'comments', long('#\n')],
  ])('takes %s of a million characters without a crash: %s', (format, _name, text) => {
    expect(text.length).toBeGreaterThan(MAX_POLICY_TEXT_LENGTH - 64)
    expect(() => outcome(format, text)).not.toThrow()
  })

  it.each<[PolicyTextFormat, string, string]>([
    ['json', '[{ "id": "web",\n   "rules": [{ "id": "a",\n     "efect": "allow" }] }]', '3:6'],
    ['toml', 'id = "web"\n[[rules]]\nid = "a"\nefect = "allow"\n', '4:1'],
    [
      'toml',
      'id = "web"\n[[rules]]\nid = "a"\neffect = "allow"\nprincipals = ["*"]\nresources = ["/a"]\nactions = [\n  "read",\n  "lst",\n]\n',
      '9:3',
    ],
  ])('gives the place of what the engine refuses in %s', (format, text, expected) => {
    const { document, locate } = parsePolicyText(text, { format })
    const isList = Array.isArray(document)
    try {
      compile(isList ? document : [document])
    } catch (error) {
      if (!PolicyError.is(error)) throw error
      const { line, column } = locate(
        isList ? `/${error.documentIndex}${error.pointer}` : error.pointer,
      )
      expect(`${line}:${column}`).toBe(expected)
      return
    }
    expect.unreachable()
  })
})
