import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTempHome } from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readDotenv } from '../src/import/dotenv-source.ts'
import { readJsonTree } from '../src/import/json-source.ts'
import { readTree, valueOfFile } from '../src/import/tree-source.ts'
import { makeWorld } from './harness.ts'

const plain = ({ entries }: { entries: readonly { key: string; type: string; value: string }[] }) =>
  entries.map(({ key, type, value }) => [key, type, value])

describe('JSON trees', () => {
  test('objects nest to paths, scalars to types', () => {
    const tree = {
      text: 'x',
      number: 5,
      negative: -1,
      fraction: 1.5,
      yes: true,
      nothing: null,
      list: [1, 'a'],
      empty: {},
      deep: { er: { still: 'here' } },
      'odd name/with?things': 'y',
      __proto__x: 1,
    }
    expect(plain(readJsonTree(tree, '/p'))).toEqual([
      ['/p/__proto__x', 'integer', '1'],
      ['/p/deep/er/still', 'string', 'here'],
      ['/p/empty', 'json', '{}'],
      ['/p/fraction', 'json', '1.5'],
      ['/p/list', 'json', '[1,"a"]'],
      ['/p/negative', 'integer', '-1'],
      ['/p/nothing', 'json', 'null'],
      ['/p/number', 'integer', '5'],
      ['/p/odd name%2Fwith%3Fthings', 'string', 'y'],
      ['/p/text', 'string', 'x'],
      ['/p/yes', 'boolean', 'true'],
    ])
  })

  test('__proto__ is a name like any other', () => {
    expect(plain(readJsonTree(JSON.parse('{"__proto__":{"a":"x"}}'), ''))).toEqual([
      ['/__proto__/a', 'string', 'x'],
    ])
  })

  test.each([
    ['a number that JSON has rounded', '{"a":9007199254740993}'],
    ['the same in a list', '{"a":[9007199254740993]}'],
    ['an empty name', '{"":1}'],
    ['too many levels', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`],
    ['too long a value', JSON.stringify({ a: 'x'.repeat(65_537) })],
    ['a scalar', '1'],
    ['a list', '[1]'],
  ])('%s is refused', (_, text) => {
    expect(() => readJsonTree(JSON.parse(text), '')).toThrow(expect.objectContaining({ status: 1 }))
  })
})

describe('dotenv', () => {
  test('every value is a string', () => {
    const text = '# comment\nexport A=1\nB="two words"\nC=\'$x\'\nD=\nE="a\\nb"\n'
    expect(plain(readDotenv(text, '/env'))).toEqual([
      ['/env/A', 'string', '1'],
      ['/env/B', 'string', 'two words'],
      ['/env/C', 'string', '$x'],
      ['/env/D', 'string', ''],
      ['/env/E', 'string', 'a\nb'],
    ])
  })

  test('a file without assignments is refused', () => {
    expect(() => readDotenv('hello world\n', '')).toThrow('no NAME=value')
  })

  test('through the command, encrypted', async () => {
    const { home, registry, sreg } = await makeWorld()
    const file = home.write('.env', 'KEY=value\n')
    const args = ['import', file, '--format', 'dotenv', '--prefix', '/app', '--encrypt']
    expect((await sreg(args)).code).toBe(0)
    expect(registry.entries.get('/app/KEY')).toMatchObject({ value: 'value', encrypted: true })
    expect((await sreg(['import', file])).stderr).toContain('--format dotenv')
  })
})

describe('directory trees', () => {
  test('values of files', () => {
    const of = (text: string) => valueOfFile(Buffer.from(text))
    expect(of('42\n')).toEqual({ value: '42', type: 'integer' })
    expect(of('-9223372036854775808')).toEqual({ value: '-9223372036854775808', type: 'integer' })
    for (const text of ['9223372036854775808', '007', '+1', '-0', '1 2', ' 1', '1\n\n', '0x1']) {
      expect(of(text).type).toBe('string')
    }
    expect(of('a\n\n')).toEqual({ value: 'a\n', type: 'string' })
    expect(of('\n')).toEqual({ value: '', type: 'string' })
    expect(of('\ufeffx').value).toBe('\ufeffx')
    expect(valueOfFile(Uint8Array.of(0xff, 0x0a))).toEqual({ value: '/wo=', type: 'bytes' })
  })

  test('regular files only; links only inside; what cannot be read is counted', async () => {
    await using home = createTempHome()
    const outside = home.write('outside', 'no')
    const root = home.file('root')
    mkdirSync(join(root, 'sub'), { recursive: true })
    writeFileSync(join(root, 'a b?'), 'odd')
    writeFileSync(join(root, 'sub', 'n'), '7\n')
    writeFileSync(join(root, 'empty'), '')
    writeFileSync(join(root, 'secret'), 'x')
    chmodSync(join(root, 'secret'), 0)
    symlinkSync(outside, join(root, 'out'))
    symlinkSync('../outside', join(root, 'out2'))
    symlinkSync('sub/n', join(root, 'inside'))
    symlinkSync('.', join(root, 'loop'))
    symlinkSync('nowhere', join(root, 'dangling'))
    execFileSync('mkfifo', [join(root, 'fifo')])
    const source = await readTree(root, '/t')
    const asRoot = process.getuid?.() === 0
    expect(plain(source)).toEqual([
      ['/t/a b%3F', 'string', 'odd'],
      ['/t/inside', 'integer', '7'],
      ...(asRoot ? [['/t/secret', 'string', 'x']] : []),
      ['/t/sub/n', 'integer', '7'],
    ])
    expect(source.skipped).toEqual({
      empty: 1,
      link: 4,
      'not a file': 1,
      ...(asRoot ? {} : { unreadable: 1 }),
    })
  })

  test('values over the limits are reported, all of them', async () => {
    const { home, registry, sreg } = await makeWorld()
    home.write('tree/long', 'x'.repeat(70_000))
    home.write('tree/huge', new Uint8Array(1024 * 1024 + 1))
    home.write('tree/fine', 'x')
    home.write(`tree/${'d/'.repeat(33)}deep`, 'x')
    const { code, stdout, stderr } = await sreg(['import', home.file('tree')])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('long: ')
    expect(stderr).toContain('huge: ')
    expect(stderr).toContain('deep: ')
    expect(registry.entries.size).toBe(0)
  })

  test('an empty directory is nothing to import', async () => {
    const { home, sreg } = await makeWorld()
    mkdirSync(home.file('none'))
    expect((await sreg(['import', home.file('none')])).stderr).toContain('nothing to import')
  })

  test('a part of /proc/sys', async () => {
    const { registry, sreg } = await makeWorld()
    onTestFinished(() => registry.entries.clear())
    const { code, stderr } = await sreg([
      'import',
      '/proc/sys/kernel',
      '--format',
      'tree',
      '--prefix',
      '/system',
    ])
    expect(stderr).toMatch(/^sreg: \d+ imported, 0 unchanged/)
    expect(code).toBe(0)
    const { readFileSync } = await import('node:fs')
    const type = registry.entries.get('/system/ostype')
    expect(type).toMatchObject({
      value: readFileSync('/proc/sys/kernel/ostype', 'utf8').trimEnd(),
      type: 'string',
    })
    expect(registry.entries.get('/system/pid_max')?.type).toBe('integer')
  })
})
