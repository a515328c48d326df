import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readYaml, YamlTextFault } from '../../src/node/yaml-text.ts'
import { tokenFault } from '../../src/node/yaml-tokens.ts'

const read = (text: string) => readYaml(text).tree
const faultOf = (text: string) => {
  try {
    readYaml(text)
  } catch (error) {
    if (error instanceof YamlTextFault) return [error.fault, error.line]
    throw error
  }
  return undefined
}

describe('read', () => {
  test.each([
    ['', {}],
    ['# nothing\n', {}],
    ['~\n', {}],
    ['---\n{}\n', {}],
    [
      'secret:\n  env: { A: abc123, B: "x y" } # here\n',
      { secret: { env: { A: 'abc123', B: 'x y' } } },
    ],
    [
      'a: yes\nb: true\nc: null\nd:\ne: 2001-01-01\n',
      { a: 'yes', b: true, c: null, d: null, e: '2001-01-01' },
    ],
    [
      'a: 0x1F\nb: 0o17\nc: 0123\nd: -5\ne: 1.50\nf: 1e3\n',
      { a: 31, b: 15, c: 123, d: -5, e: 1.5, f: 1000 },
    ],
    ['a: "0123"\nb: \'*x\'\nc: "&y !!str"\n', { a: '0123', b: '*x', c: '&y !!str' }],
    ['a: |\n  &x *y !z\n  <<: {}\n', { a: '&x *y !z\n<<: {}\n' }],
    ['a: b&c*d!e\n', { a: 'b&c*d!e' }],
    ['1: a\ntrue: b\n~: c\nnull: d\n', { 1: 'a', true: 'b', '~': 'c', null: 'd' }],
    [
      '__proto__: { x: 1 }\nconstructor: y\n',
      JSON.parse('{"__proto__":{"x":1},"constructor":"y"}'),
    ],
    ['a: [1, {b: c}]\n', { a: [1, { b: 'c' }] }],
    ['a: 9007199254740991\nb: -0.0\n', { a: 9007199254740991, b: 0 }],
    ['a: "\\x00\\u263a\\ud83d\\ude00"\n', { a: '\0☺😀' }],
  ])('%j', (text, tree) => {
    expect(read(text)).toEqual(tree)
    expect(Object.getPrototypeOf(read(text))).toBe(Object.prototype)
  })
})

describe('refused', () => {
  test.each([
    ['a: &x 1\n', 'FORBIDDEN', 1],
    ['b: 1\na: *x\n', 'FORBIDDEN', 2],
    ['a: &x [1]\nb: *x\n', 'FORBIDDEN', 1],
    ['a: !!str 1\n', 'FORBIDDEN', 1],
    ['a: !local 1\n', 'FORBIDDEN', 1],
    ['a: !<tag:yaml.org,2002:str> 1\n', 'FORBIDDEN', 1],
    ['!!map\na: 1\n', 'FORBIDDEN', 1],
    ['a: { b: &x 1 }\n', 'FORBIDDEN', 1],
    ['&x a: 1\n', 'FORBIDDEN', 1],
    ['a: 1\n<<: { b: 2 }\n', 'FORBIDDEN', 2],
    ['a:\n  "<<": 1\n', 'FORBIDDEN', 2],
    ['%YAML 1.1\n---\na: yes\n', 'FORBIDDEN', 1],
    ['a: 1\n---\nb: 2\n', 'FORBIDDEN', 2],
    ['a: 1\n...\n---\nb: 2\n', 'FORBIDDEN', 3],
    ['\ufeffa: 1\n', 'FORBIDDEN', 1],
    ['a: 1\nb: 2\na: 3\n', 'DUPLICATE_KEY', 3],
    ['a: { b: 1, b: 2 }\n', 'DUPLICATE_KEY', 1],
    ['1: a\n"1": b\n', 'DUPLICATE_KEY', 2],
    ['a: 9007199254740992\n', 'VALUE', 1],
    ['b: 1\na: 12345678901234567890\n', 'VALUE', 2],
    ['a: .inf\n', 'VALUE', 1],
    ['a: .nan\n', 'VALUE', 1],
    ['a: 1e400\n', 'VALUE', 1],
    ['a: "\\ud800"\n', 'VALUE', 1],
    ['"\\udc00": a\n', 'VALUE', 1],
    ['- a\n', 'NOT_A_MAP', 1],
    ['just text\n', 'NOT_A_MAP', 1],
    ['7\n', 'NOT_A_MAP', 1],
    ['? [a]\n: 1\n', 'SYNTAX', 1],
    ['a: [1\n', 'SYNTAX', 2],
    ['a: "b\n', 'SYNTAX', 2],
    ['a:\n\t- b\n', 'SYNTAX', 2],
    ['a: 1\nb: \x1f&x 2\n', 'SYNTAX', 2],
    ['a: 1\n\x02\n', 'SYNTAX', 2],
    ['a: b\0\n', 'SYNTAX', 1],
  ])('%j', (text, fault, line) => {
    expect(faultOf(text)?.[0]).toBe(fault)
    expect([line - 1, line, line + 1]).toContain(faultOf(text)?.[1])
  })

  test('a depth that would exhaust a stack, however it is come by', () => {
    const nested = (depth: number) => `${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`
    expect(faultOf(nested(64))).toBe(undefined)
    expect(faultOf(nested(65))?.[0]).toBe('SYNTAX')
    const lines = (depth: number) =>
      Array.from({ length: depth }, (_, at) => `${' '.repeat(at)}a:\n`).join('')
    expect(faultOf(lines(63))).toBe(undefined)
    expect(faultOf(lines(66))?.[0]).toBe('SYNTAX')
    const times = 10_000
    for (const text of [
      nested(times),
      lines(500),
      `a: ${'['.repeat(times)}`,
      `a:\n ${'- '.repeat(times)}x`,
      `a:\n ${'? '.repeat(times)}x`,
      // Brackets that are closed before they are opened, or never, hide nothing behind them.
      `a: [\nb:\n ${'- '.repeat(times)}x`,
      `a: [\nb:\n ${'? '.repeat(times)}x`,
      `a: ]]]]\nb:\n ${'- '.repeat(times)}x`,
      `a: [ ${'- '.repeat(times)}x`,
    ]) {
      expect(tokenFault(text)?.kind).toBe('too-deep')
      expect(faultOf(text)?.[0]).toBe('SYNTAX')
    }
    expect(faultOf(`a: { ? ${'? '.repeat(times)}x`)?.[0]).toBe('SYNTAX')
  })

  test('a fault quotes nothing of the text', () => {
    for (const text of [
      'a: "hunter2\n',
      'hunter2: 1\nhunter2: 2\n',
      'a: [hunter2\n',
      '? [hunter2]\n',
    ]) {
      try {
        readYaml(text)
      } catch (error) {
        const { message, cause, stack } = error as Error
        expect(JSON.stringify([message, cause, stack, error])).not.toContain('hunter2')
      }
    }
  })
})

test('whatever text there is, a fault is ours, and what is read is JSON', () => {
  const piece = fc.constantFrom(
    ...['a', 'b', ':', ': ', '- ', '{', '}', '[', ']', ', ', '\n', '\n  ', '"', "'", '&x ', '*x'],
    ...[
      '!t ',
      '|',
      '>',
      '#',
      ' ',
      '?',
      '~',
      '1',
      '<<',
      '---',
      '%',
      '\t',
      '\\',
      '\x1f',
      '\x02',
      'é',
    ],
  )
  const text = fc.oneof(
    fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary' }),
  )
  fc.assert(
    fc.property(text, (each) => {
      if (faultOf(each) !== undefined) return
      const tree = read(each)
      expect(JSON.parse(JSON.stringify(tree))).toEqual(tree)
    }),
    { numRuns: 600 },
  )
})
