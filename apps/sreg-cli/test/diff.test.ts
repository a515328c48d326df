import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { indentJson } from '../src/indent-json.ts'
import { type DiffLine, diffLines, formatHunks } from '../src/line-diff.ts'
import { makeWorld } from './harness.ts'

const without = (lines: readonly DiffLine[], sign: '+' | '-'): string[] =>
  lines.filter((line) => line.sign !== sign).map(({ text }) => text)

/** Length of the longest common subsequence, in the plain way. */
function common(a: readonly string[], b: readonly string[]): number {
  let row = Array<number>(b.length + 1).fill(0)
  for (const line of a) {
    const next = [0]
    for (const [j, other] of b.entries()) {
      next.push(line === other ? (row[j] ?? 0) + 1 : Math.max(row[j + 1] ?? 0, next[j] ?? 0))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/** Apply hunks to the first text, as `patch` does. */
function patched(from: readonly string[], hunks: readonly string[]): string[] {
  const result: string[] = []
  let at = 0
  for (const line of hunks) {
    const head = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@$/.exec(line)
    if (head !== null) {
      const start = Number(head[1]) - (head[2] === '0' ? 0 : 1)
      while (at < start) result.push(from[at++] ?? '')
    } else if (line.startsWith('+')) result.push(line.slice(1))
    else {
      expect(from[at]).toBe(line.slice(1))
      if (line.startsWith(' ')) result.push(from[at] ?? '')
      at++
    }
  }
  return [...result, ...from.slice(at)]
}

const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 24 })

describe('lines that differ', () => {
  test('both texts are in it, and it is as short as can be', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const lines = diffLines(a, b)
        expect(without(lines, '+')).toEqual(a)
        expect(without(lines, '-')).toEqual(b)
        const kept = lines.filter(({ sign }) => sign === ' ').length
        expect(kept).toBe(common(a, b))
      }),
    )
  })

  test('the hunks turn one text into the other', () => {
    const longer = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 80 })
    fc.assert(
      fc.property(longer, longer, (a, b) => {
        const hunks = formatHunks(diffLines(a, b))
        expect(patched(a, hunks)).toEqual(b)
        if (a.join('\n') === b.join('\n') && a.length === b.length) expect(hunks).toEqual([])
      }),
    )
  })

  test('hunks as diff -u writes them', () => {
    const a = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`)
    const b = a.with(1, 'second').toSpliced(15, 1)
    expect(formatHunks(diffLines(a, b))).toEqual([
      '@@ -1,5 +1,5 @@',
      ' line 1',
      '-line 2',
      '+second',
      ' line 3',
      ' line 4',
      ' line 5',
      '@@ -13,7 +13,6 @@',
      ' line 13',
      ' line 14',
      ' line 15',
      '-line 16',
      ' line 17',
      ' line 18',
      ' line 19',
    ])
    expect(formatHunks(diffLines([], ['x']))).toEqual(['@@ -0,0 +1 @@', '+x'])
    expect(formatHunks(diffLines(['x'], []))).toEqual(['@@ -1 +0,0 @@', '-x'])
  })

  test('two large texts with nothing in common end soon, replaced as a whole', () => {
    const a = Array.from({ length: 60_000 }, (_, index) => `a${index}`)
    const b = Array.from({ length: 60_000 }, (_, index) => `b${index}`)
    const lines = diffLines(['same', ...a, 'end'], ['same', ...b, 'end'])
    expect(without(lines, '+')).toEqual(['same', ...a, 'end'])
    expect(without(lines, '-')).toEqual(['same', ...b, 'end'])
    expect(lines[0]).toEqual({ sign: ' ', text: 'same' })
    expect(lines.at(-1)).toEqual({ sign: ' ', text: 'end' })
  })

  test('a few changes in a megabyte of lines are found one by one', () => {
    const a = Array.from({ length: 200_000 }, (_, index) => `${index % 7}`)
    const b = a.with(1000, 'x').with(150_000, 'y')
    expect(diffLines(a, b).filter(({ sign }) => sign !== ' ')).toHaveLength(4)
  })
})

describe('JSON laid out', () => {
  test('as JSON.stringify lays it out, where that loses nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const json = JSON.stringify(value)
        expect(indentJson(json)).toBe(JSON.stringify(JSON.parse(json), null, 2))
      }),
    )
  })

  test('numbers, repeated and number-like names stay as they are written', () => {
    expect(indentJson('{"2":1.0,"1":12345678901234567890, "1" : "a{,}\\"b"}')).toBe(
      '{\n  "2": 1.0,\n  "1": 12345678901234567890,\n  "1": "a{,}\\"b"\n}',
    )
    expect(indentJson('[ ]')).toBe('[]')
    expect(indentJson('{"a":[{}, []]}')).toBe('{\n  "a": [\n    {},\n    []\n  ]\n}')
  })

  test('what is no JSON, or too deep, is left alone', () => {
    expect(indentJson('{')).toBeUndefined()
    expect(indentJson('')).toBeUndefined()
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(indentJson(nested(32))).toBeDefined()
    expect(indentJson(nested(33))).toBeUndefined()
  })
})

describe('sreg diff', () => {
  test('the version before the active one and the active one', async () => {
    const { registry, sreg } = await makeWorld()
    for (const value of ['a\nb\nc', 'gone', 'a\nB\nc']) registry.put('/a', value)
    const second = registry.store.entry('/a').versions.get(2)
    if (second !== undefined) second.state = 'destroyed'
    expect(await sreg(['diff', '/a'])).toEqual({
      code: 0,
      stdout: [
        '--- /a version 1 (string)',
        '+++ /a version 3 (string)',
        '@@ -1,3 +1,3 @@',
        ' a',
        '-b',
        '+B',
        ' c',
        '',
      ].join('\n'),
      stderr: '',
    })
    const json = JSON.parse((await sreg(['diff', '/a', '--json'])).stdout)
    expect(json).toEqual({
      key: '/a',
      from: 1,
      to: 3,
      same: false,
      from_type: 'string',
      to_type: 'string',
      encrypted: false,
      diff: '@@ -1,3 +1,3 @@\n a\n-b\n+B\n c',
    })
  })

  test('one version and the active one, or two', async () => {
    const { registry, sreg } = await makeWorld()
    for (const value of ['x', 'y', 'x']) registry.put('/a', value)
    expect((await sreg(['diff', '/a', '1'])).stdout).toBe('same\n')
    expect((await sreg(['diff', '/a', '2'])).stdout).toContain('-y\n+x\n')
    expect((await sreg(['diff', '/a', '3', '2'])).stdout).toContain('-x\n+y\n')
    expect(JSON.parse((await sreg(['diff', '/a', '1', '-j'])).stdout)).toMatchObject({
      same: true,
      from: 1,
      to: 3,
    })
    expect(await sreg(['diff', '/a', '9'])).toMatchObject({ code: 2, stdout: '' })
  })

  test('the one before is looked for on all pages', async () => {
    const { registry, sreg } = await makeWorld()
    registry.pageSize = 2
    for (let index = 0; index < 9; index++) registry.put('/a', String(index))
    for (const [number, version] of registry.store.entry('/a').versions) {
      if (number > 1 && number < 9) version.state = 'deleted'
    }
    expect((await sreg(['diff', '/a'])).stdout).toContain('-0\n+8\n')
  })

  test('nothing to compare with', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'x')
    const only = await sreg(['diff', '/a'])
    expect(only).toMatchObject({ code: 2, stdout: '' })
    expect(only.stderr).toContain('no version is kept before 1')
    expect(await sreg(['diff', '/none'])).toMatchObject({ code: 2, stdout: '' })
  })

  test('JSON is laid out; only blanks that differ are shown as they are', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', '{"a":1,"b":[1,2]}', 'json')
    registry.put('/a', '{"a":1,"b":[1,3]}', 'json')
    registry.put('/a', '{"a":1, "b":[1,3]}', 'json')
    expect((await sreg(['diff', '/a', '1', '2'])).stdout).toContain('     1,\n-    2\n+    3\n')
    const blanks = (await sreg(['diff', '/a', '2', '3'])).stdout
    expect(blanks).toContain('-{"a":1,"b":[1,3]}\n+{"a":1, "b":[1,3]}\n')
  })

  test('bytes only differ, and so do encrypted values without --decrypt', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/b', 'AAAA', 'bytes')
    registry.put('/b', 'AAAB', 'bytes')
    expect((await sreg(['diff', '/b'])).stdout).toBe('differs\n')
    registry.put('/s', 'hunter1', 'string', true)
    registry.put('/s', 'hunter2', 'string', true)
    const hidden = await sreg(['diff', '/s'])
    expect(hidden).toMatchObject({ code: 0, stdout: 'differs\n' })
    expect(hidden.stderr).toContain('--decrypt')
    const json = (await sreg(['diff', '/s', '-j'])).stdout
    expect(json).not.toContain('hunter')
    expect(JSON.parse(json)).toMatchObject({ same: false, encrypted: true })
    expect((await sreg(['diff', '/s', '--decrypt'])).stdout).toContain('-hunter1\n+hunter2\n')
    registry.put('/s', 'hunter2', 'string', true)
    expect(await sreg(['diff', '/s'])).toEqual({ code: 0, stdout: 'same\n', stderr: '' })
    registry.failures.set('get', 'ACCESS_DENIED')
    expect(await sreg(['diff', '/s'])).toMatchObject({ code: 3, stdout: '' })
  })

  test('a type that differs is a difference', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', '5')
    registry.put('/a', '5', 'integer')
    expect((await sreg(['diff', '/a'])).stdout).toBe(
      '--- /a version 1 (string)\n+++ /a version 2 (integer)\n',
    )
  })

  test('a hostile value cannot drive the terminal; a pipe gets it as it is', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'x')
    registry.put('/a', '\u001b[2J')
    expect((await sreg(['diff', '/a'], { stdoutTty: true })).stdout).toContain('+\\u{1b}[2J\n')
    expect((await sreg(['diff', '/a'])).stdout).toContain('+\u001b[2J\n')
  })
})
