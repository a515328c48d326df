import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createCanary } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { formatExport, readExport } from '../src/export-format.ts'
import { PASSPHRASE } from './fake-registry.ts'
import { makeWorld, type World } from './harness.ts'

function fill(world: World): Map<string, unknown> {
  const { registry } = world
  registry.put('/a/text', 'line one\nline two\u001b')
  registry.put('/a/number', '-9223372036854775808', 'integer')
  registry.put('/a/flag', 'false', 'boolean')
  registry.put('/a/json', '{"a": [1, 2]}', 'json')
  registry.put('/a/bytes', 'AP8K', 'bytes')
  registry.put('/a/empty', '')
  registry.put('/č/%2F', 'unicode \u2028 🙂')
  registry.put('/secret', 'classified', 'string', true)
  return comparable(world)
}

const comparable = ({ registry }: World): Map<string, unknown> =>
  new Map(
    [...registry.entries]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { value, type, encrypted }]) => [key, { value, type, encrypted }]),
  )

const input = `${PASSPHRASE}\n`

describe('round trips', () => {
  test('in the clear, with secrets', async () => {
    const world = await makeWorld()
    const before = fill(world)
    world.registry.pageSize = 3
    const file = world.home.file('plain.json')
    expect(await world.sreg(['export', '--with-secrets', '--output', file])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    world.registry.entries.clear()
    expect(await world.sreg(['import', file])).toMatchObject({ code: 0, stdout: '' })
    expect(comparable(world)).toEqual(before)
  })

  test('encrypted: no plaintext in the file, and only --decrypt with the passphrase opens it', async () => {
    const world = await makeWorld()
    const canary = createCanary()
    world.registry.put('/secret/canary', canary, 'string', true)
    const before = fill(world)
    const file = world.home.file('sealed.json')
    const exported = await world.sreg(
      ['export', '--encrypt', '--output', file, '--password-stdin'],
      { input },
    )
    expect(exported).toEqual({ code: 0, stdout: '', stderr: '' })
    const text = readFileSync(file, 'utf8')
    expect(text).not.toContain(canary)
    expect(text).not.toContain('/secret')
    expect(JSON.parse(text)).toMatchObject({
      format: 'secreg-export-encrypted',
      version: 1,
      kdf: { name: 'scrypt' },
      cipher: 'xchacha20-poly1305',
    })
    world.registry.entries.clear()

    const without = await world.sreg(['import', file])
    expect(without).toMatchObject({ code: 1, stdout: '' })
    expect(without.stderr).toContain('--decrypt')
    const wrong = await world.sreg(['import', file, '--decrypt', '--password-stdin'], {
      input: 'wrong passphrase\n',
    })
    expect(wrong).toMatchObject({ code: 8, stdout: '' })
    expect(wrong.stderr).not.toContain('wrong passphrase')
    const damaged = JSON.parse(text)
    damaged.data = `A${damaged.data.slice(1)}`
    if (damaged.data === JSON.parse(text).data) damaged.data = `B${damaged.data.slice(1)}`
    const broken = world.home.write('broken.json', JSON.stringify(damaged))
    expect(
      await world.sreg(['import', broken, '--decrypt', '--password-stdin'], { input }),
    ).toMatchObject({ code: 8, stdout: '' })
    expect(world.registry.entries.size).toBe(0)

    expect(
      (await world.sreg(['import', file, '--decrypt', '--password-stdin'], { input })).code,
    ).toBe(0)
    expect(comparable(world)).toEqual(before)
  })

  test('below a prefix, and only a part', async () => {
    const world = await makeWorld()
    fill(world)
    const { stdout } = await world.sreg(['export', '--prefix', '/a'])
    expect(world.registry.asked.at(-1)?.payload['prefix']).toBe('/a')
    world.registry.entries.clear()
    const file = world.home.write('part.json', stdout)
    await world.sreg(['import', file, '--prefix', '/copy/'])
    expect(world.registry.entries.get('/copy/a/flag')?.type).toBe('boolean')
  })
})

describe('export', () => {
  test('leaves secrets out, and says so', async () => {
    const world = await makeWorld()
    fill(world)
    const { code, stdout, stderr } = await world.sreg(['export'])
    expect(code).toBe(0)
    expect(stdout).not.toContain('classified')
    expect(stderr).toContain('1 encrypted entry was left out')
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({ format: 'secreg-export', version: 1, acls: [] })
    expect(document.sha256).toBe(
      createHash('sha256').update(JSON.stringify(document.entries)).digest('hex'),
    )
  })

  test('secrets and encrypted exports do not go to a terminal', async () => {
    const world = await makeWorld()
    for (const args of [
      ['export', '--with-secrets'],
      ['export', '--encrypt', '--password-stdin'],
    ]) {
      const { code, stdout, stderr } = await world.sreg(args, { stdoutTty: true, input })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toContain('--output FILE')
    }
    expect((await world.sreg(['export'], { stdoutTty: true })).code).toBe(0)
  })

  test('a passphrase that is too short is refused', async () => {
    const world = await makeWorld()
    const { code, stdout } = await world.sreg(['export', '--encrypt', '--password-stdin'], {
      input: 'short\n',
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(world.registry.asked).toEqual([])
  })

  test('an export that lacks announced entries is no export', async () => {
    const world = await makeWorld()
    world.registry.answers.set('export', { entries: [], total: 3, omitted: 0, revision: 1 })
    expect(await world.sreg(['export'])).toMatchObject({ code: 7, stdout: '' })
  })

  test('weakness 60: mode 0600 whatever the umask, no link followed, no predictable name, no rest', async () => {
    const world = await makeWorld()
    fill(world)
    const file = world.home.file('out.json')
    const before = process.umask(0)
    try {
      expect((await world.sreg(['export', '--output', file])).code).toBe(0)
    } finally {
      process.umask(before)
    }
    expect(lstatSync(file).mode & 0o777).toBe(0o600)

    const victim = world.home.write('victim', 'precious')
    const link = world.home.file('link')
    symlinkSync(victim, link)
    const refused = await world.sreg(['export', '--output', link])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('symbolic link')
    expect(readFileSync(victim, 'utf8')).toBe('precious')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    symlinkSync(world.home.file('nowhere'), world.home.file('dangling'))
    expect((await world.sreg(['export', '--output', world.home.file('dangling')])).code).toBe(1)
    expect(existsSync(world.home.file('nowhere'))).toBe(false)

    mkdirSync(world.home.file('directory'))
    expect((await world.sreg(['export', '--output', world.home.file('directory')])).code).toBe(1)
    expect((await world.sreg(['export', '--output', '/nonexistent/out'])).code).toBe(2)
    world.registry.failures.set('export', 'ACCESS_DENIED')
    expect((await world.sreg(['export', '--output', world.home.file('new.json')])).code).toBe(3)
    expect(readdirSync(world.home.path).sort()).toEqual(
      ['dangling', 'directory', 'link', 'out.json', 'session', 'socket', 'victim'].sort(),
    )
  })

  test('an older file is replaced at once', async () => {
    const world = await makeWorld()
    fill(world)
    const file = world.home.write('out.json', 'old', 0o644)
    expect((await world.sreg(['export', '--output', file])).code).toBe(0)
    expect(JSON.parse(readFileSync(file, 'utf8')).format).toBe('secreg-export')
    expect(lstatSync(file).mode & 0o777).toBe(0o600)
  })
})

describe('weakness 59: import of a missing or garbled file fails and changes nothing', () => {
  const good = JSON.parse(
    formatExport(
      [
        {
          key: '/a',
          type: 'string',
          value: 'x',
          encrypted: false,
          version: 1,
          created_at: 1,
          modified_at: 1,
          created_by: 'a',
          modified_by: 'a',
        },
      ],
      0,
    ),
  )

  test('missing', async () => {
    const world = await makeWorld()
    expect(await world.sreg(['import', world.home.file('missing.json')])).toMatchObject({
      code: 2,
      stdout: '',
    })
    expect(world.registry.asked).toEqual([])
  })

  test.each([
    ['nothing', ''],
    ['noise', '\u0000\u0001garbage'],
    ['not UTF-8', Uint8Array.of(0xff, 0xfe)],
    ['half a document', JSON.stringify(good).slice(0, 60)],
    ['another JSON', '{"a":1}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a later version', JSON.stringify({ ...good, version: 2 })],
    ['no entries', JSON.stringify({ ...good, entries: undefined })],
    ['no checksum', JSON.stringify({ ...good, sha256: undefined })],
    ['a changed value', JSON.stringify(good).replace('"value":"x"', '"value":"y"')],
    ['a changed key', JSON.stringify(good).replace('"/a"', '"/b"')],
    ['an entry more', JSON.stringify({ ...good, entries: [...good.entries, ...good.entries] })],
    ['a bad key', JSON.stringify({ ...good, entries: [{ ...good.entries[0], key: '/a/../b' }] })],
    ['a bad type', JSON.stringify({ ...good, entries: [{ ...good.entries[0], type: 'float' }] })],
    [
      'a bad value',
      JSON.stringify({ ...good, entries: [{ ...good.entries[0], type: 'integer' }] }),
    ],
    ['no object as entry', JSON.stringify({ ...good, entries: [null] })],
  ])('%s', async (_, content) => {
    const world = await makeWorld()
    const file = world.home.write('file.json', content)
    const { code, stdout, stderr } = await world.sreg(['import', file])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^sreg: /)
    expect(world.registry.asked).toEqual([])
  })

  test('the good one is imported', async () => {
    const world = await makeWorld()
    const file = world.home.write('file.json', JSON.stringify(good, undefined, 2))
    expect((await world.sreg(['import', file])).code).toBe(0)
    expect(readExport(good)).toHaveLength(1)
    const again = await world.sreg(['import', '-'], { input: readFileSync(file) })
    expect(again.stderr).toContain('0 imported, 1 unchanged')
  })

  test('a directory that is none, a file that is one, switches that do not fit', async () => {
    const world = await makeWorld()
    const file = world.home.write('file.json', JSON.stringify(good))
    for (const args of [
      [file, '--format', 'tree'],
      [world.home.path, '--format', 'json'],
      [file, '--decrypt'],
      ['-', '--password-stdin'],
    ]) {
      expect(await world.sreg(['import', ...args], { input: '{}' })).toMatchObject({
        code: 1,
        stdout: '',
      })
    }
  })
})

describe('all or nothing', () => {
  test('a key that differs is refused without --force, and nothing is applied', async () => {
    const world = await makeWorld()
    fill(world)
    const { stdout } = await world.sreg(['export'])
    const file = world.home.write('e.json', stdout)
    world.registry.entries.clear()
    world.registry.put('/a/text', 'mine')
    const refused = await world.sreg(['import', file])
    expect(refused).toMatchObject({ code: 5, stdout: '' })
    expect(refused.stderr).toContain('--force overwrites')
    expect([...world.registry.entries.keys()]).toEqual(['/a/text'])
    expect((await world.sreg(['import', file, '--force'])).code).toBe(0)
    expect(world.registry.entries.get('/a/text')?.value).toContain('line one')
  })

  test('--dry-run shows the difference, never a value, and changes nothing', async () => {
    const world = await makeWorld()
    fill(world)
    const { stdout } = await world.sreg(['export', '--with-secrets'])
    const file = world.home.write('e.json', stdout)
    world.registry.entries.delete('/a/flag')
    world.registry.put('/a/text', '7', 'integer')
    world.registry.pageSize = 2
    const before = comparable(world)
    const dry = await world.sreg(['import', file, '--dry-run'])
    expect(dry.code).toBe(0)
    expect(dry.stdout).toBe(
      [
        'Change  Type               Key',
        'create  boolean            /a/flag',
        'update  integer to string  /a/text\n',
      ].join('\n'),
    )
    expect(dry.stdout + dry.stderr).not.toContain('classified')
    expect(dry.stderr).toContain('2 would change, 6 would stay')
    expect(comparable(world)).toEqual(before)
    expect(world.registry.imports.size).toBe(0)
    expect(world.registry.asked.at(-1)?.payload['op']).toBe('abort')
    const json = await world.sreg(['import', file, '--dry-run', '--json'])
    expect(JSON.parse(json.stdout).changes).toHaveLength(8)
  })

  test('many entries go in several requests below the frame limit, and one commit', async () => {
    const world = await makeWorld()
    const tree: Record<string, string> = {}
    for (let index = 0; index < 12_000; index++) tree[`k${index}`] = 'x'
    for (let index = 0; index < 30; index++) tree[`large${index}`] = '\u0001'.repeat(60_000)
    const file = world.home.write('tree.json', JSON.stringify(tree))
    const { code, stdout } = await world.sreg([
      'import',
      file,
      '--format',
      'json',
      '--prefix',
      '/x',
      '--json',
    ])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ imported: 12_030, unchanged: 0 })
    const ops = world.registry.asked
      .map(({ payload }) => payload['op'])
      .filter((op) => op !== undefined)
    expect(ops.filter((op) => op === 'stage').length).toBeGreaterThan(3)
    expect(ops.filter((op) => op === 'commit')).toHaveLength(1)
    expect(world.registry.entries.size).toBe(12_030)
  })

  test('a failure in the middle takes the staged entries back', async () => {
    const world = await makeWorld()
    const file = world.home.write('tree.json', '{"a":"x"}')
    world.registry.failures.set('import', 'STORAGE_FULL')
    expect(await world.sreg(['import', file, '--format', 'json'])).toMatchObject({
      code: 7,
      stdout: '',
    })
    world.registry.failures.clear()
    world.registry.put('/a', 'y')
    expect((await world.sreg(['import', file, '--format', 'json'])).code).toBe(5)
    expect(world.registry.imports.size).toBe(0)
  })
})

test('a file that cannot be read is named', async () => {
  const world = await makeWorld()
  writeFileSync(world.home.file('f'), '')
  const { code, stderr } = await world.sreg(['import', `${world.home.file('f')}/below`])
  expect(code).toBe(2)
  expect(stderr).toContain('/below')
})
