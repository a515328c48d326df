/** `sreg backup` and `sreg restore` against a daemon that answers what we want. */
import { scryptSync } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type BackupRow, writeBackup } from '@secreg/backup'
import { createSeal, deriveSubkey } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { beforeAll, describe, expect, test } from 'vitest'
import { PASSPHRASE } from './fake-registry.ts'
import { makeWorld, runSreg, type World } from './harness.ts'

/** A backup of a few rows, with its header. */
async function makeBackup(): Promise<{ file: Buffer; id: string }> {
  const scrypt = async (
    password: Uint8Array,
    salt: Uint8Array,
    params: { N: number; r: number; p: number; length: number },
  ) =>
    new Uint8Array(
      scryptSync(password, salt, params.length, {
        N: params.N,
        r: params.r,
        p: params.p,
        maxmem: 2 ** 30,
      }),
    )
  const { header, rootKey } = await createSeal(
    [{ kind: 'passphrase', passphrase: PASSPHRASE, params: { N: 2 ** 15, r: 8, p: 1 } }],
    { backend: nodeBackend, scrypt },
  )
  const rows: BackupRow[] = ['a/x', 'e/app', 'p/x', 'v/x'].map((key) => ({
    key,
    value: new Uint8Array(40_000),
    createRevision: 1,
    modifyRevision: 2,
  }))
  const stream = writeBackup({
    seal: header,
    backupKey: deriveSubkey(rootKey, 'backup', nodeBackend),
    generation: '0'.repeat(32),
    revision: 7,
    createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    meta: {},
    rows,
    backend: nodeBackend,
  })
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(Uint8Array.from(piece))
  return { file: Buffer.concat(pieces), id: stream.header.id }
}

let made: { file: Buffer; id: string }

beforeAll(async () => {
  made = await makeBackup()
})

/** Answer `begin`, then these pieces. */
function serve({ registry }: World, pieces: readonly Buffer[]): void {
  const answers: object[] = [
    { backup: 'b', id: made.id, revision: 7, created_at: 1, generation: '0'.repeat(32) },
    ...pieces.map((piece, index) => ({
      data: piece.toString('base64'),
      last: index === pieces.length - 1,
    })),
  ]
  registry.answering.set('backup', () => answers.shift() ?? {})
}

describe('backup', () => {
  test('writes what the daemon sends, and tells about it', async () => {
    const world = await makeWorld()
    const { file, id } = made
    serve(world, [file.subarray(0, 10), file.subarray(10, 90_000), file.subarray(90_000)])
    const path = world.home.file('it.backup')
    const { code, stdout } = await world.sreg(['backup', path, '--json'])
    expect({ code, answer: JSON.parse(stdout) }).toEqual({
      code: 0,
      answer: { output: path, id, revision: 7, created_at: 1, bytes: file.length },
    })
    expect(readFileSync(path).equals(file)).toBe(true)
    const asked = world.registry.asked.map(({ payload }) => payload['op'])
    expect(asked).toEqual(['begin', 'read', 'read', 'read'])
  })

  test.each<[string, (file: Buffer) => Buffer[]]>([
    [
      'another header',
      (file) => [
        Buffer.from(file.toString('latin1').replace('"revision":7', '"revision":8'), 'latin1'),
      ],
    ],
    ['half a header', (file) => [file.subarray(0, 100)]],
    ['something else', () => [Buffer.from('hello\n')]],
    ['nothing', () => [Buffer.alloc(0)]],
  ])('%s: no file is left', async (_, pieces) => {
    const world = await makeWorld()
    serve(world, pieces(made.file))
    const { code, stdout, stderr } = await world.sreg(['backup', world.home.file('it.backup')])
    expect({ code, stdout }).toEqual({ code: stderr.includes('not a backup') ? 1 : 8, stdout: '' })
    expect(readdirSync(world.home.path).filter((name) => name.includes('backup'))).toEqual([])
  })

  test('a failure in the midst leaves nothing, and ends it at the daemon', async () => {
    const world = await makeWorld()
    const answers: object[] = [
      { backup: 'b', id: made.id, revision: 7 },
      { data: made.file.subarray(0, 1000).toString('base64'), last: false },
      { data: 5 },
    ]
    world.registry.answering.set('backup', () => answers.shift() ?? {})
    const path = world.home.file('it.backup')
    const { code } = await world.sreg(['backup', path])
    expect(code).not.toBe(0)
    expect(readdirSync(world.home.path).filter((name) => name.includes('backup'))).toEqual([])
  })

  test('what a killed process has left goes, what a living one writes stays', async () => {
    const world = await makeWorld()
    const uuid = '01234567-89ab-cdef-0123-456789abcdef'
    const dead = world.home.write(`.it.backup.4194305.${uuid}`, 'half')
    const living = world.home.write(`.it.backup.1.${uuid}`, 'half')
    const others = [
      world.home.write(`.it.backup.old`, 'precious'),
      world.home.write(`.other.backup.4194305.${uuid}`, 'precious'),
    ]
    serve(world, [made.file])
    expect((await world.sreg(['backup', world.home.file('it.backup')])).code).toBe(0)
    expect([dead, living, ...others].map((path) => existsSync(path))).toEqual([
      false,
      true,
      true,
      true,
    ])
  })

  test('not to a terminal, and not over a file without --force', async () => {
    const world = await makeWorld()
    const refused = await world.sreg(['backup', '-'], { stdoutTty: true })
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('redirect')
    const path = world.home.write('it.backup', 'precious')
    expect(await world.sreg(['backup', path])).toMatchObject({ code: 5, stdout: '' })
    expect(readFileSync(path, 'utf8')).toBe('precious')
    expect(world.registry.asked).toEqual([])
    serve(world, [made.file])
    expect((await world.sreg(['backup', path, '--force'])).code).toBe(0)
    expect(readFileSync(path).equals(made.file)).toBe(true)
  })

  test('to standard output, byte by byte', async () => {
    const world = await makeWorld()
    serve(world, [made.file.subarray(0, 70_001), made.file.subarray(70_001)])
    const { code, stdout } = await world.sreg(['backup', '-', '--json'])
    expect(code).toBe(0)
    expect(stdout).toBe(made.file.toString())
  })

  test('status ends with 6 while the schedule fails', async () => {
    const world = await makeWorld()
    world.registry.answers.set('backup', {})
    expect(await world.sreg(['backup', 'status'])).toMatchObject({
      code: 0,
      stdout: 'Last:      none\nSchedule:  off\n',
    })
    const schedule = {
      directory: '/b',
      interval_s: 86_400,
      files: 2,
      next_at: 0,
      failing: 'no space',
    }
    world.registry.answers.set('backup', { schedule })
    const { code, stdout } = await world.sreg(['backup', 'status'])
    expect(code).toBe(6)
    expect(stdout).toMatch(/^Failing: +no space$/m)
    expect((await world.sreg(['backup', 'status', '--json'])).code).toBe(6)
  })
})

describe('without a daemon', () => {
  const env = { HOME: '/nonexistent', SECREG_SOCKET: '/nonexistent' }

  test('info and verify', async () => {
    const world = await makeWorld()
    const path = world.home.file('it.backup')
    writeFileSync(path, made.file)
    const info = await runSreg(['backup', 'info', path, '--json'], env)
    expect(JSON.parse(info.stdout)).toMatchObject({
      id: made.id,
      revision: 7,
      bytes: made.file.length,
      protectors: [{ kind: 'passphrase', recovery: false }],
    })
    const input = `${PASSPHRASE}\n`
    const verified = await runSreg(['backup', 'verify', path, '--password-stdin', '--json'], env, {
      input,
    })
    expect({ ...JSON.parse(verified.stdout), code: verified.code }).toMatchObject({
      code: 0,
      rows: 4,
      spaces: { a: 1, e: 1, p: 1, v: 1 },
    })
    expect(world.registry.asked).toEqual([])
  })

  test('a passphrase is not waited for where it opens nothing', async () => {
    const world = await makeWorld()
    mkdirSync(world.home.file('d'))
    const missing = await runSreg(['backup', 'verify', world.home.file('x')], env)
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    const directory = await runSreg(['backup', 'info', world.home.file('d')], env)
    expect(directory.stderr).toContain('not a regular file')
  })
})

describe('restore', () => {
  test('hands the file over in order, says what to bring back, and gives it up when that fails', async () => {
    const world = await makeWorld()
    const path = world.home.file('it.backup')
    writeFileSync(path, made.file)
    const input = `${PASSPHRASE}\n`
    world.registry.answers.set('restore', { restore: 'r', created: 1, updated: 2, unchanged: 3 })
    const args = ['restore', path, '--only', '/app', '--password-stdin']
    const done = await world.sreg([...args, '--json'], { input })
    expect(JSON.parse(done.stdout)).toEqual({ created: 1, updated: 2, unchanged: 3 })
    const { asked } = world.registry
    expect(asked[0]?.payload).toMatchObject({ op: 'begin', size: made.file.length })
    const staged = asked.filter(({ payload }) => payload['op'] === 'stage')
    const bytes = staged.map(({ payload }) => Buffer.from(String(payload['data']), 'base64'))
    expect(Buffer.concat(bytes).equals(made.file)).toBe(true)
    expect(asked.at(-1)?.payload).toMatchObject({
      op: 'commit',
      restore: 'r',
      only: '/app',
      proof: { passphrase: PASSPHRASE },
      dry_run: false,
    })
    asked.length = 0
    let at = 0
    world.registry.answering.set('restore', () =>
      ++at === 2 ? { staged: 'no' } : { restore: 'r' },
    )
    expect((await world.sreg(args, { input })).code).not.toBe(0)
    expect(asked.at(-1)?.payload).toEqual({ op: 'abort', restore: 'r' })
    asked.length = 0
    at = 2
    await world.sreg([...args, '--dry-run'], { input })
    expect(asked.at(-1)?.payload).toEqual({ op: 'abort', restore: 'r' })
  })

  test('without --only it says how the whole is restored, and asks for nothing', async () => {
    const world = await makeWorld()
    const { code, stderr } = await world.sreg(['restore', '/nowhere'])
    expect(code).toBe(1)
    expect(stderr).toContain('secregd restore BACKUP')
    expect(world.registry.asked).toEqual([])
  })
})
