import { REASONS, type Reason } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const TIME = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d'

/** A world with an entry of three versions. */
async function withVersions(): Promise<World> {
  const world = await makeWorld()
  for (const value of ['one', 'two', 'three']) world.registry.put('/a', value)
  return world
}

const requestOf = (world: World, name: string) =>
  world.registry.asked.findLast((one) => one.name === name)?.payload

describe('history', () => {
  test('a table, newest first, the active version marked', async () => {
    const { registry, sreg } = await withVersions()
    registry.put('/a', '4', 'integer', true)
    const { versions } = registry.store.entry('/a')
    const [first, second] = [versions.get(1), versions.get(2)]
    if (first !== undefined) first.state = 'destroyed'
    if (second !== undefined) second.state = 'deleted'
    const { code, stdout, stderr } = await sreg(['history', '/a'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^Version {2}State {6}Type {16}Created {14}By$/)
    expect(lines[1]).toMatch(new RegExp(`^4 {8}active {5}integer, encrypted  ${TIME}  alice$`))
    expect(lines[2]).toMatch(new RegExp(`^3 {8}kept {7}string {14}${TIME}  alice$`))
    expect(lines[3]).toMatch(/^2 {8}deleted /)
    expect(lines[4]).toMatch(/^1 {8}destroyed /)
  })

  test('all pages, or --limit', async () => {
    const { registry, sreg } = await makeWorld()
    registry.pageSize = 3
    for (let index = 0; index < 10; index++) registry.put('/a', 'x')
    const numbers = async (...more: string[]): Promise<number[]> => {
      const { stdout } = await sreg(['history', '/a', '--json', ...more])
      return JSON.parse(stdout).versions.map(({ version }: { version: number }) => version)
    }
    expect(await numbers()).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    expect(await numbers('--limit', '4')).toEqual([10, 9, 8, 7])
    const cut = await sreg(['history', '/a', '--limit', '4'])
    expect(cut.stderr).toBe('sreg: there are older versions\n')
    expect(JSON.parse((await sreg(['history', '/a', '--limit', '4', '-j'])).stdout).next).toBe(7)
    expect(JSON.parse((await sreg(['history', '/a', '-j'])).stdout)).not.toHaveProperty('next')
  })

  test('of a deleted entry, with what to do; --verbose tells who polled', async () => {
    const { registry, sreg } = await withVersions()
    registry.store.delete({ key: '/a' })
    const { code, stderr } = await sreg(['history', '/a'])
    expect(code).toBe(0)
    expect(stderr).toMatch(new RegExp(`^sreg: deleted ${TIME} by bob; run: sreg undelete /a\n$`))
    const verbose = await sreg(['history', '/a', '-v'])
    expect(verbose.stdout.split('\n')[0]).toMatch(/By {5}Deleted {2}Expires$/)
    expect(verbose.stderr).toContain('carol asked whether it changed')
    expect(await sreg(['history', '/none'])).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('get --version', () => {
  test('another version than the active one', async () => {
    const { sreg } = await withVersions()
    expect((await sreg(['get', '/a', '--version', '1'])).stdout).toBe('one\n')
    expect((await sreg(['get', '--version=2', '/a'])).stdout).toBe('two\n')
    expect(JSON.parse((await sreg(['get', '/a', '--version', '2', '-j'])).stdout)).toMatchObject({
      key: '/a',
      value: 'two',
      version: 2,
    })
    const missing = await sreg(['get', '/a', '--version', '9'])
    expect(missing).toMatchObject({ code: 2, stdout: '' })
    expect(missing.stderr).toContain('run: sreg history /a')
  })
})

describe('changes of versions', () => {
  test('rollback writes a new version', async () => {
    const world = await withVersions()
    const { registry, sreg } = world
    expect(await sreg(['rollback', '/a', '1'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(registry.entries.get('/a')).toMatchObject({ value: 'one', version: 4 })
    const json = await sreg(['rollback', '/a', '2', '--if-version', '4', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ success: true, version: 5 })
    expect(requestOf(world, 'versions')).toEqual({
      op: 'rollback',
      key: '/a',
      version: 2,
      if_version: 4,
    })
    const stale = await sreg(['rollback', '/a', '2', '--if-version', '4'])
    expect(stale).toMatchObject({ code: 6, stdout: '' })
    expect(stale.stderr).toContain('sreg history /a')
    expect((await sreg(['rollback', '/a', '1', '-v'])).stderr).toBe('sreg: /a has version 6\n')
  })

  test('activate moves the pointer', async () => {
    const world = await withVersions()
    const { registry, sreg } = world
    expect(await sreg(['activate', '/a', '1'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(registry.entries.get('/a')).toMatchObject({ value: 'one', version: 1, latest: 3 })
    expect((await sreg(['activate', '/a', '2', '--if-revision', '1'])).code).toBe(6)
    expect(requestOf(world, 'versions')).toEqual({
      op: 'activate',
      key: '/a',
      version: 2,
      if_revision: 1,
    })
    expect(JSON.parse((await sreg(['activate', '/a', '2', '-j'])).stdout)).toMatchObject({
      success: true,
      version: 2,
    })
  })

  test('undelete brings back an entry, or one version', async () => {
    const world = await withVersions()
    const { registry, sreg } = world
    await sreg(['delete', '/a'])
    const gone = await sreg(['get', '/a'])
    expect(gone).toMatchObject({ code: 2, stdout: '' })
    expect(gone.stderr).toContain('run: sreg undelete /a')
    expect(await sreg(['undelete', '/a'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await sreg(['get', '/a'])).stdout).toBe('three\n')
    const version = registry.store.entry('/a').versions.get(2)
    if (version !== undefined) version.state = 'deleted'
    const deleted = await sreg(['get', '/a', '--version', '2'])
    expect(deleted.stderr).toContain('run: sreg undelete /a --version N')
    expect((await sreg(['undelete', '/a', '--version', '2', '-v'])).stderr).toBe(
      'sreg: the active version of /a is 3\n',
    )
    expect((await sreg(['get', '/a', '--version', '2'])).stdout).toBe('two\n')
  })

  test('destroy, and what is gone then', async () => {
    const world = await withVersions()
    const { sreg } = world
    expect(await sreg(['destroy', '/a', '1', '2', '1', '--yes'])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(requestOf(world, 'versions')).toEqual({ op: 'destroy', key: '/a', versions: [1, 2] })
    const gone = await sreg(['get', '/a', '--version', '1'])
    expect(gone).toMatchObject({ code: 2, stdout: '' })
    expect(gone.stderr).toContain('gone for ever; "sreg history /a"')
    const active = await sreg(['destroy', '/a', '3', '--yes'])
    expect(active.code).toBe(6)
    expect(active.stderr).toContain('run: sreg purge /a')
    const many = Array.from({ length: 1001 }, (_, index) => String(index + 1))
    expect((await sreg(['destroy', '/a', ...many, '--yes'])).stderr).toContain('at most 1000')
  })

  test('purge, and that the bytes leave later', async () => {
    const world = await withVersions()
    const { registry, sreg } = world
    registry.put('/a/b', 'x')
    registry.put('/c', 'x')
    registry.store.delete({ key: '/a/b' })
    expect(await sreg(['purge', '/a', '--yes'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'sreg: the old bytes leave the disk in the background\n',
    })
    const json = await sreg(['purge', '/a', '--recursive', '--yes', '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ success: true, count: 1, erased: false })
    expect(json.stderr).toBe('')
    expect([...registry.entries.keys()]).toEqual(['/c'])
    expect((await sreg(['purge', '/a', '--yes'])).code).toBe(2)
  })

  test.each([
    [['purge', '/a'], '/a will be erased with all its history for ever'],
    [['purge', '/a', '--recursive'], '/a and everything below it will be erased'],
    [['destroy', '/a', '2'], 'version 2 of /a will be erased for ever'],
    [['destroy', '/a', '1', '2', '--json'], 'versions 1, 2 of /a will be erased for ever'],
  ])('%j in a pipe without --yes changes nothing', async (argv, message) => {
    const { registry, sreg } = await withVersions()
    const { code, stdout, stderr } = await sreg(argv, { input: 'yes\n' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toContain('give --yes too')
    expect(registry.asked).toEqual([])
  })
})

describe('every reason says what to do', () => {
  test.each([
    ['VERSION_NOT_FOUND', 2, 'run: sreg history /a'],
    ['ENTRY_DELETED', 2, 'run: sreg undelete /a'],
    ['VERSION_DELETED', 2, 'run: sreg undelete /a --version N'],
    ['VERSION_DESTROYED', 2, '"sreg history /a" tells which are kept'],
    ['VERSION_ACTIVE', 6, 'run: sreg purge /a'],
    ['VERSION_CONFLICT', 6, '"sreg history /a" tells the latest version'],
    ['VERSION_REQUIRED', 6, 'give --if-version N'],
    ['VERSIONS_EXHAUSTED', 6, 'use another key'],
    ['DIALECT_REFUSED', 6, '"sreg mount list"'],
    ['REVISION_COMPACTED', 6, 'read the entries again'],
  ] as const)('%s ends with %i', async (reason, code, hint) => {
    const { registry, sreg } = await makeWorld()
    for (const [name, argv] of [
      ['set', ['set', '/a', 'hunter2']],
      ['versions', ['rollback', '/a', '2']],
    ] as const) {
      registry.failures.set(name, reason)
      const plain = await sreg(argv)
      expect(plain).toMatchObject({ code, stdout: '' })
      expect(plain.stderr).toContain(hint)
      expect(plain.stderr).not.toContain('hunter2')
      const json = JSON.parse((await sreg([...argv, '--json'])).stderr)
      expect(json).toMatchObject({ code, reason, hint: expect.stringContaining(hint) })
    }
  })

  test('the oldest revision that is known is told', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('watch', 'REVISION_COMPACTED')
    registry.minRevision = 4711
    const plain = await sreg(['watch', '/a', '--since', '3'])
    expect(plain).toMatchObject({ code: 6, stdout: '' })
    expect(plain.stderr).toContain('go on with --since 4711')
    const json = await sreg(['watch', '/a', '--since', '3', '--json'])
    expect(JSON.parse(json.stderr)).toMatchObject({ min_revision: 4711 })
  })

  test('a path that a shell would split is quoted', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('get', 'ENTRY_DELETED')
    expect((await sreg(['get', "/it's here"])).stderr).toContain(
      "run: sreg undelete '/it'\\''s here'",
    )
  })

  /** One command line for each request, and what it may be refused with. */
  const lines: [string, string[]][] = [
    ['get', ['get', '/a', '--version', '1']],
    ['set', ['set', '/a', 'x', '--if-version', '1']],
    ['delete', ['delete', '/a']],
    ['list', ['list', '/', '--limit', '3']],
    ['search', ['search', 'x']],
    ['transfer', ['copy', '/a', '/b']],
    ['transfer', ['move', '/a', '/b']],
    ['history', ['history', '/a']],
    ['history', ['diff', '/a']],
    ['get', ['diff', '/a', '1', '2']],
    ['versions', ['rollback', '/a', '1']],
    ['versions', ['activate', '/a', '1']],
    ['versions', ['undelete', '/a']],
    ['versions', ['destroy', '/a', '1', '--yes']],
    ['versions', ['purge', '/a', '--yes']],
    ['meta', ['meta', 'get', '/a']],
    ['meta', ['meta', 'set', '/a', '--tag', 'x']],
    ['mount', ['mount', 'list']],
    ['mount', ['mount', 'set', '/k', 'kv']],
    ['mount', ['mount', 'remove', '/k']],
    ['txn', ['txn']],
    ['watch', ['watch', '/a']],
  ]
  const failures: [Reason, number][] = [
    ['PATH_INVALID', 1],
    ['STORAGE_KEY_NOT_FOUND', 2],
    ['ACCESS_DENIED', 3],
    ['AUTH_REQUIRED', 4],
    ['ALREADY_EXISTS', 5],
    ['SEALED', 6],
    ['AUDIT_FAILED', 7],
    ['CRYPTO_FAILED', 8],
  ]
  test.each(lines)('%s: sreg %j ends with the status of each reason', async (name, argv) => {
    const { registry, sreg } = await makeWorld()
    for (const [reason, code] of failures) {
      registry.failures.set(name, reason)
      const input = '{"then":[]}'
      const plain = await sreg(argv, { input })
      expect(plain).toMatchObject({ code, stdout: '' })
      expect(plain.stderr).toMatch(/^sreg: refused/)
      const json = await sreg([...argv, '--json'], { input })
      expect(json).toMatchObject({ code, stdout: '' })
      expect(JSON.parse(json.stderr)).toMatchObject({ code, reason, errno: REASONS[reason].errno })
    }
  })
})
