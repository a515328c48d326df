import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const requestOf = (world: World, name: string) =>
  world.registry.asked.findLast((one) => one.name === name)?.payload

describe('set with conditions, times and flags', () => {
  test.each([
    [['--if-version', '0'], { if_version: 0 }],
    [['--if-revision', '0'], { if_revision: 0 }],
    [['--ttl', '90s'], { ttl_s: 90 }],
    [['--ttl', '15m'], { ttl_s: 900 }],
    [['--ttl', '1h'], { ttl_s: 3600 }],
    [['--ttl', '7d'], { ttl_s: 604_800 }],
    [['--ttl', '2w'], { ttl_s: 1_209_600 }],
    [['--ttl', '0'], { ttl_s: 0 }],
    [['--private'], { private: true }],
    [['--ephemeral'], { ephemeral: true }],
    [[], {}],
  ])('%j', async (options, members) => {
    const world = await makeWorld()
    expect((await world.sreg(['set', '/a', 'x', ...options])).code).toBe(0)
    expect(requestOf(world, 'set')).toEqual({ key: '/a', value: 'x', encrypt: false, ...members })
  })

  test('a stale --if-version ends with 6, changes nothing and says what to do', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'one')
    registry.put('/a', 'two')
    const stale = await sreg(['set', '/a', 'mine', '--if-version', '1'])
    expect(stale).toMatchObject({ code: 6, stdout: '' })
    expect(stale.stderr).toContain('"sreg history /a" tells the latest version')
    expect(registry.entries.get('/a')?.value).toBe('two')
    expect((await sreg(['set', '/a', 'mine', '--if-version', '2'])).code).toBe(0)
    expect((await sreg(['set', '/a', 'new', '--if-revision', '0'])).code).toBe(6)
    expect(JSON.parse((await sreg(['set', '/b', 'x', '--if-version', '3', '-j'])).stderr)).toEqual(
      expect.objectContaining({ code: 6, reason: 'VERSION_CONFLICT' }),
    )
  })

  test('an entry that needs --if-version says so', async () => {
    const { sreg } = await makeWorld()
    await sreg(['set', '/a', 'x'])
    await sreg(['meta', 'set', '/a', '--cas-required'])
    const refused = await sreg(['set', '/a', 'y'])
    expect(refused.code).toBe(6)
    expect(refused.stderr).toContain('give --if-version N')
    expect((await sreg(['set', '/a', 'y', '--if-version', '1'])).code).toBe(0)
  })
})

describe('list and search', () => {
  test('list --limit and --after', async () => {
    const world = await makeWorld()
    const { registry, sreg } = world
    registry.pageSize = 4
    const keys = Array.from({ length: 10 }, (_, index) => `/k/${index}`)
    for (const key of keys) registry.put(key, 'x')
    const first = await sreg(['list', '/k', '--limit', '6'])
    expect(first).toEqual({
      code: 0,
      stdout: `${keys.slice(0, 6).join('\n')}\n`,
      stderr: 'sreg: there is more; go on with --after /k/5\n',
    })
    const rest = await sreg(['list', '/k', '--limit', '6', '--after', '/k/5'])
    expect(rest).toEqual({ code: 0, stdout: `${keys.slice(6).join('\n')}\n`, stderr: '' })
    const json = await sreg(['list', '/k', '--limit', '2', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ keys: ['/k/0', '/k/1'], next: '/k/1' })
    expect(requestOf(world, 'list')).toMatchObject({ limit: 2 })
  })

  test('search: one key a line, all pages; a table with --verbose', async () => {
    const world = await makeWorld()
    const { registry, sreg } = world
    registry.pageSize = 2
    for (const key of ['/app/db', '/app/DB2', '/x/db/y', '/z']) registry.put(key, 'x')
    await sreg([
      'meta',
      'set',
      '/app/db',
      '--tag',
      'prod',
      '--custom',
      'owner=alice',
      '--description',
      'the\u001b[31m db',
    ])
    expect(await sreg(['search', 'db'])).toEqual({
      code: 0,
      stdout: '/app/DB2\n/app/db\n/x/db/y\n',
      stderr: '',
    })
    expect((await sreg(['search', '--key', 'db'])).stdout).toBe('/app/DB2\n/app/db\n')
    expect((await sreg(['search', '--prefix', '/x'])).stdout).toBe('/x/db/y\n')
    expect((await sreg(['search', '--metadata', 'owner=alice'])).stdout).toBe('/app/db\n')
    expect((await sreg(['search', 'app', '--tag', 'prod'])).stdout).toBe('/app/db\n')
    expect(requestOf(world, 'search')).toMatchObject({ text: 'app', tag: 'prod' })
    const table = (await sreg(['search', 'db', '--tag', 'prod', '-v'])).stdout
    expect(table).toMatch(/^Key {6}Type {4}Version {2}Modified {13}By {5}Tags {2}Description\n/)
    expect(table).toMatch(/alice {2}prod {2}the\\u\{1b\}\[31m db\n$/)
    const cut = await sreg(['search', 'db', '--limit', '1'])
    expect(cut.stdout).toBe('/app/DB2\n')
    expect(cut.stderr).toContain('--after /app/DB2')
    const json = JSON.parse(
      (await sreg(['search', 'db', '--limit', '1', '--after', '/app/DB2', '-j'])).stdout,
    )
    expect(json).toMatchObject({ entries: [{ key: '/app/db', tags: ['prod'] }], next: '/app/db' })
    expect(await sreg(['search', 'nothing', '-v'])).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('a search goes on over pages that found nothing', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('search', { entries: [], next: '/m' })
    expect(await sreg(['search', 'x'])).toEqual({ code: 0, stdout: '', stderr: '' })
    const asked = registry.asked.map(({ payload }) => payload['after'])
    // The second answer does not go on, so it is the last.
    expect(asked).toEqual([undefined, '/m'])
  })
})

describe('copy and move', () => {
  test('copy', async () => {
    const world = await makeWorld()
    const { registry, sreg } = world
    registry.put('/a', '1')
    registry.put('/a/b', '2')
    expect(await sreg(['copy', '/a', '/c'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(registry.entries.get('/c')?.value).toBe('1')
    const again = await sreg(['copy', '/a', '/c'])
    expect(again).toMatchObject({ code: 5, stdout: '' })
    expect(again.stderr).toContain('--force')
    expect((await sreg(['copy', '/a', '/c', '--force'])).code).toBe(0)
    const all = await sreg(['copy', '/a', '/d', '--recursive', '--json'])
    expect(JSON.parse(all.stdout)).toMatchObject({ success: true, count: 2 })
    expect(requestOf(world, 'transfer')).toEqual({
      op: 'copy',
      from: '/a',
      to: '/d',
      recursive: true,
    })
    expect((await sreg(['copy', '/none', '/e'])).code).toBe(2)
  })

  test('move', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', '1')
    registry.put('/a/b', '2')
    registry.put('/x', '3')
    const taken = await sreg(['move', '/a', '/x'])
    expect(taken.code).toBe(5)
    expect(taken.stderr).toContain('sreg purge')
    expect(await sreg(['move', '/a', '/c', '--recursive', '-v'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'sreg: 2 moved\n',
    })
    expect([...registry.entries.keys()].sort()).toEqual(['/c', '/c/b', '/x'])
    registry.failures.set('transfer', 'NOT_A_LEAF')
    expect((await sreg(['move', '/c', '/d'])).stderr).toContain('--recursive moves everything')
  })
})

describe('meta', () => {
  test('get: a line for each', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', '5', 'integer', true)
    await sreg([
      ...['meta', 'set', '/a', '--description', 'a port', '--tag', 'x', '--tag', 'y'],
      ...['--custom', 'owner=al\u001bice', '--custom', 'empty=', '--max-versions', '3'],
      ...['--cas-required', '--delete-after', '7d', '--ttl', '1h'],
    ])
    await sreg(['meta', 'set', '/a', '--custom', 'zone=eu', '--grant'])
    const { code, stdout, stderr } = await sreg(['meta', 'get', '/a'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const shown = new Map(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => [
          line.slice(0, line.indexOf(':')),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
    )
    expect(Object.fromEntries(shown)).toMatchObject({
      Key: '/a',
      Type: 'integer, encrypted',
      'Active version': '1',
      'Latest version': '1',
      Description: 'a port',
      Tags: 'x, y',
      'Versions kept': '3',
      'Needs --if-version': 'yes',
      'Versions deleted after': '7d 0h',
      'Write rules': 'registry',
      Custom: 'zone=eu (granted)',
    })
    expect(stdout).toContain('owner=al\\u{1b}ice\n')
    expect(stdout).toContain('empty=\n')
    expect(shown.has('Expires')).toBe(true)
    expect(shown.has('Deleted')).toBe(false)
    const json = JSON.parse((await sreg(['meta', 'get', '/a', '-j'])).stdout)
    expect(json).toMatchObject({ key: '/a', custom: { owner: 'al\u001bice' }, granted: ['zone'] })
    expect(await sreg(['meta', 'get', '/none'])).toMatchObject({ code: 2, stdout: '' })
  })

  test.each([
    [['--description', 'x'], { description: 'x' }],
    [['--no-description'], { description: null }],
    [['--tag', 'b', '--tag', 'a'], { tags: ['b', 'a'] }],
    [['--no-tags'], { tags: [] }],
    [['--custom', 'a=b=c', '--remove', 'd'], { custom: { a: 'b=c', d: null } }],
    [['--remove', 'a', '--remove', 'a'], { custom: { a: null } }],
    [['--custom', 'a=1', '--grant'], { custom: { a: '1' }, granted: true }],
    [['--max-versions', '3'], { max_versions: 3 }],
    [['--no-max-versions'], { max_versions: null }],
    [['--cas-required'], { cas_required: true }],
    [['--no-cas-required'], { cas_required: false }],
    [['--delete-after', '2w'], { delete_after_s: 1_209_600 }],
    [['--delete-after', '0'], { delete_after_s: null }],
    [['--no-delete-after'], { delete_after_s: null }],
    [['--ttl', '15m'], { ttl_s: 900 }],
    [['--ttl', '0', '--if-revision', '1'], { ttl_s: 0, if_revision: 1 }],
  ])('set %j', async (options, members) => {
    const world = await makeWorld()
    world.registry.put('/a', 'x')
    expect(await world.sreg(['meta', 'set', '/a', ...options])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(requestOf(world, 'meta')).toEqual({ op: 'set', key: '/a', ...members })
  })

  test('set --json prints what is then; a stale revision ends with 6', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'x')
    const set = await sreg(['meta', 'set', '/a', '--tag', 'x', '--json'])
    expect(JSON.parse(set.stdout)).toMatchObject({ key: '/a', tags: ['x'] })
    expect((await sreg(['meta', 'set', '/a', '--tag', 'y', '--if-revision', '99'])).code).toBe(6)
  })

  test('no message repeats what is set', async () => {
    const { sreg } = await makeWorld()
    for (const options of [
      ['--custom', 'a=hunter2', '--custom', 'a=hunter2'],
      ['--custom', 'hunter2'],
      ['--description', 'hunter2', '--no-description'],
    ]) {
      const { code, stderr } = await sreg(['meta', 'set', '/a', ...options])
      expect(code).toBe(1)
      expect(stderr).not.toContain('hunter2')
    }
  })
})

describe('quotas', () => {
  test.each([
    [['--max-entries', '10'], { max_entries: 10 }],
    [['--max-bytes', '1000'], { max_bytes: 1000 }],
    [['--max-bytes', '64K'], { max_bytes: 65_536 }],
    [['--max-bytes', '100m'], { max_bytes: 104_857_600 }],
    [['--max-bytes', '2G'], { max_bytes: 2_147_483_648 }],
    [['--max-bytes', '1T', '--max-entries', '1'], { max_bytes: 2 ** 40, max_entries: 1 }],
  ])('%j', async (options, members) => {
    const world = await makeWorld()
    expect((await world.sreg(['mount', 'set', '/t', 'registry', ...options])).code).toBe(0)
    expect(requestOf(world, 'mount')).toMatchObject({ op: 'set', path: '/t', ...members })
  })

  test.each(['', '0', '0K', '-1', '1.5M', '1P', 'M', '1 M', '1KB', '9999999999999T'])(
    '%j is no size',
    async (size) => {
      const { sreg } = await makeWorld()
      const refused = await sreg(['mount', 'set', '/t', 'registry', '--max-bytes', size])
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toContain('--max-bytes')
    },
  )

  test('what is in use is listed beside the quota', async () => {
    const { registry, sreg } = await makeWorld()
    const rules = { dialect: 'registry', available: true }
    const used = { max_entries: 10, max_bytes: 2048, entries: 3, bytes: 1536 }
    registry.versions.mounts.set('/t', { ...rules, ...used })
    expect((await sreg(['mount', 'list'])).stdout).toContain('3 of 10 entries, 1.50 KB of 2.00 KB')
  })

  test('a quota that is used up ends with 6 and says what to do', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('set', 'QUOTA_EXCEEDED')
    const refused = await sreg(['set', '/t/a', 'x'])
    expect(refused).toMatchObject({ code: 6, stdout: '' })
    expect(refused.stderr).toContain('sreg mount list')
  })
})

describe('mount', () => {
  test('set, list, remove', async () => {
    const world = await makeWorld()
    const { sreg } = world
    expect(
      await sreg([
        ...['mount', 'set', '/kv/team', 'kv', '--max-versions', '20', '--cas-required'],
        ...['--delete-after', '30d', '--encrypt'],
      ]),
    ).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(requestOf(world, 'mount')).toEqual({
      op: 'set',
      path: '/kv/team',
      dialect: 'kv',
      max_versions: 20,
      cas_required: true,
      delete_after_s: 2_592_000,
      encrypt: true,
    })
    expect((await sreg(['mount', 'list'])).stdout).toBe(
      [
        'Path      Dialect   Rules',
        '/         registry',
        '/kv/team  kv        20 versions, needs --if-version, versions deleted after 30d 0h, encrypted',
        '',
      ].join('\n'),
    )
    const removed = await sreg(['mount', 'remove', '/kv/team', '--json'])
    expect(JSON.parse(removed.stdout)).toMatchObject({ mounts: [{ path: '/' }] })
    const again = await sreg(['mount', 'remove', '/kv/team'])
    expect(again).toMatchObject({ code: 2, stdout: '' })
    expect(again.stderr).toContain('run: sreg mount list')
  })

  test('rules that the daemon does not know are marked', async () => {
    const { registry, sreg } = await makeWorld()
    registry.versions.mounts.set('/x', { dialect: 'alien', available: false })
    expect((await sreg(['mount', 'list'])).stdout).toContain('alien (not served)')
  })
})
