import { REASONS } from '@secreg/protocol'
import { startSetecServer } from '@secreg/setec/testing'
import { createCanary, freePort } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'
import { SetecStandIn } from './setec-stand-in.ts'

const FORMAT = ['--format', 'setec'] as const

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** The versions of an entry, and its active one. */
function held({ registry }: World, key: string): object | undefined {
  const entry = registry.entries.get(key)
  if (entry === undefined) return undefined
  const versions = [...entry.versions].sort(([a], [b]) => a - b)
  return {
    active: entry.version,
    ...Object.fromEntries(
      versions.map(([number, { value }]) => [number, Buffer.from(value, 'base64').toString()]),
    ),
  }
}

const writes = ({ registry }: World): number =>
  registry.asked.filter(({ name }) => name === 'dialect').length

describe('from a server', () => {
  test('numbers and active numbers come out as they were, and a second import changes nothing', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    const { db } = server
    await db.createVersion('web/key', 3, 'three')
    await db.createVersion('web/key', 7, '')
    await db.createVersion('web/key', 4_294_967_295, 'last')
    await db.activate('web/key', 3)
    await db.put('nul\0 ü 🙂/*..', Buffer.from([0xff, 0, 1]))
    await db.rotate('plain', 'one')
    await db.rotate('plain', 'two')
    expect(await world.sreg(['import', server.url, ...FORMAT])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'sreg: 6 versions imported, 0 unchanged\n',
    })
    expect(held(world, '/setec/web%2Fkey')).toEqual({
      3: 'three',
      7: '',
      4294967295: 'last',
      active: 3,
    })
    expect(held(world, '/setec/plain')).toEqual({ 1: 'one', 2: 'two', active: 2 })
    const odd = [...world.registry.entries.keys()].find((key) => key.startsWith('/setec/nul'))
    expect(world.registry.entries.get(odd ?? '')).toMatchObject({ value: '/wAB', version: 1 })

    const before = writes(world)
    const again = await world.sreg(['import', server.url, ...FORMAT, '--json'])
    expect(again.code).toBe(0)
    expect(JSON.parse(again.stdout)).toEqual({
      secrets: 3,
      imported: 0,
      unchanged: 6,
      activated: 0,
      skipped: {},
      problems: [],
    })
    expect(writes(world)).toBe(before)

    await db.createVersion('web/key', 5, 'five')
    await db.activate('plain', 1)
    const more = await world.sreg(['import', server.url, ...FORMAT])
    expect(more.stderr).toBe('sreg: 1 version imported, 6 unchanged; 2 activated\n')
    expect(held(world, '/setec/web%2Fkey')).toMatchObject({ 5: 'five', active: 5 })
    expect(held(world, '/setec/plain')).toEqual({ 1: 'one', 2: 'two', active: 1 })
  })

  test('--dry-run shows what would be done, writes nothing, and tells no value', async () => {
    const world = await makeWorld()
    const canary = createCanary()
    await using server = await startSetecServer()
    for (const version of [1, 2, 3, 9]) await server.db.createVersion('a', version, canary)
    await server.db.createVersion('b', 1, canary)
    await server.db.createVersion('b', 2, canary)
    await server.db.activate('b', 1)
    await server.db.createVersion('c', 1, canary)
    world.registry.store.putNumber('/setec/b', 1, base64(canary))
    world.registry.store.putNumber('/setec/b', 2, base64(canary))
    world.registry.store.putNumber('/setec/c', 1, base64('other'))
    const dry = await world.sreg(['import', server.url, ...FORMAT, '--dry-run'])
    expect(dry.code).toBe(5)
    expect(dry.stdout).toBe(
      ['Change    Versions  Secret', 'create    1-3, 9    "a"', 'activate  1         "b"\n'].join(
        '\n',
      ),
    )
    expect(dry.stderr).toBe(
      [
        'sreg: "c": version 1: another value is here',
        'sreg: 4 versions would be imported, 2 would stay; 1 would be activated; problems: 1; nothing was changed\n',
      ].join('\n'),
    )
    const json = await world.sreg(['import', server.url, ...FORMAT, '--dry-run', '--json'])
    expect(JSON.parse(json.stdout)).toEqual({
      changes: [
        { secret: 'a', key: '/setec/a', create: [1, 2, 3, 9], same: [] },
        { secret: 'b', key: '/setec/b', create: [], same: [1, 2], activate: 1 },
        { secret: 'c', key: '/setec/c', create: [], same: [] },
      ],
      unchanged: 2,
      skipped: {},
      problems: [
        {
          secret: 'c',
          key: '/setec/c',
          reason: 'ALREADY_EXISTS',
          message: 'another value is here',
          versions: [1],
        },
      ],
    })
    expect(json).toMatchObject({ code: 5, stderr: '' })
    expect(writes(world)).toBe(0)
    for (const form of [canary, base64(canary)]) {
      expect(dry.stdout + dry.stderr + json.stdout).not.toContain(form)
    }
  })

  test('who may see a secret and not read it is told so; the others are imported', async () => {
    const world = await makeWorld()
    const rules = [
      { action: ['info'], secret: ['*'] },
      { action: ['get'], secret: ['open/*'] },
    ] as const
    await using server = await startSetecServer({ callers: { reader: rules, nobody: [] } })
    await server.db.put('open/a', 'x')
    await server.db.put('shut', 'y')
    const input = `${server.urlFor('reader')}\n`
    const outcome = await world.sreg(['import', '-', ...FORMAT], { input })
    expect(outcome).toEqual({
      code: 3,
      stdout: '',
      stderr:
        'sreg: "shut": version 1: the server denies access to it\nsreg: 1 version imported, 0 unchanged; problems: 1\n',
    })
    expect([...world.registry.entries.keys()]).toEqual(['/setec/open%2Fa'])
    const unknown = await world.sreg(['import', server.url, ...FORMAT])
    expect(unknown).toMatchObject({ code: 4, stdout: '' })
    expect(unknown.stderr).toContain('does not know who asks')
    const none = await world.sreg(['import', '-', ...FORMAT], { input: server.urlFor('nobody') })
    expect(none).toMatchObject({ code: 1, stdout: '' })
    expect(none.stderr).toContain('shows no secret')
  })
})

describe('the address', () => {
  test('a path before the operations', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer({ prefix: '/t/token-of-worth' })
    await server.db.put('a', 'x')
    const { stderr, code } = await world.sreg(['import', '-', ...FORMAT], { input: server.url })
    expect({ stderr, code }).toEqual({
      code: 0,
      stderr: 'sreg: 1 version imported, 0 unchanged\n',
    })
  })

  test.each([
    'http://token-of-worth@127.0.0.1:1',
    'https://user:token-of-worth@setec.example.com/',
    'HTTP://:token-of-worth@setec.example.com/a',
    'https://setec.example.com/t/token-of-worth',
    'https://setec.example.com/x/t/token-of-worth/',
  ])('a credential is not taken from the arguments: %s', async (address) => {
    const world = await makeWorld()
    const { code, stdout, stderr } = await world.sreg(['import', address, ...FORMAT])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('standard input')
    expect(stderr).not.toContain('token-of-worth')
    expect(world.registry.asked).toEqual([])
  })

  test.each([
    'ftp://token-of-worth@setec.example.com',
    'https://token-of-worth@setec.example.com/?a=1',
    'http://token-of-worth%zz@setec.example.com/',
    'token-of-worth',
    '\n',
    '',
  ])('one that cannot be is refused and not shown: %j', async (input) => {
    const world = await makeWorld()
    const { code, stdout, stderr } = await world.sreg(['import', '-', ...FORMAT], { input })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/address of the server/)
    expect(stderr).not.toContain('token-of-worth')
    expect(world.registry.asked).toEqual([])
  })

  test('it needs the format, and takes no option of files', async () => {
    const world = await makeWorld()
    const without = await world.sreg(['import', 'https://setec.example.com'])
    expect(without).toMatchObject({ code: 1, stdout: '' })
    expect(without.stderr).toContain('--format setec')
    for (const option of [['--decrypt'], ['--encrypt'], ['--prefix', '/x'], ['--password-stdin']]) {
      const refused = await world.sreg(['import', 'http://127.0.0.1:1', ...FORMAT, ...option])
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toContain(`leave ${option[0]} out`)
    }
    expect(world.registry.asked).toEqual([])
  })

  test('without a login the server is asked for nothing', async () => {
    const world = await makeWorld({ login: false })
    const server = await SetecStandIn.start()
    expect(await world.sreg(['import', server.url, ...FORMAT])).toMatchObject({ code: 4 })
    expect(server.asked).toEqual([])
  })
})

describe('what is here already', () => {
  test('another value: nothing of the secret is written, also with --force, and the others are', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    for (const name of ['a', 'b', 'c']) {
      await server.db.createVersion(name, 1, 'one')
      await server.db.createVersion(name, 2, 'two')
    }
    world.registry.store.putNumber('/setec/b', 2, base64('TWO'))
    for (const more of [[], ['--force']]) {
      const outcome = await world.sreg(['import', server.url, ...FORMAT, ...more])
      expect(outcome).toMatchObject({ code: 5, stdout: '' })
      expect(outcome.stderr).toContain('"b": version 2: another value is here')
      expect(held(world, '/setec/b')).toEqual({ 2: 'TWO', active: 2 })
      expect(held(world, '/setec/a')).toEqual({ 1: 'one', 2: 'two', active: 2 })
      expect(held(world, '/setec/c')).toEqual({ 1: 'one', 2: 'two', active: 2 })
    }
  })

  test('a version of its own that is active: only --force activates that of the server', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    await server.db.createVersion('a', 1, 'one')
    await server.db.createVersion('a', 2, 'two')
    world.registry.store.putNumber('/setec/a', 1, base64('one'))
    world.registry.store.putNumber('/setec/a', 5, base64('mine'))
    const refused = await world.sreg(['import', server.url, ...FORMAT])
    expect(refused).toMatchObject({ code: 5, stdout: '' })
    expect(refused.stderr).toContain(
      '"a": version 5: active here and not at the server; --force activates version 2',
    )
    expect(held(world, '/setec/a')).toEqual({ 1: 'one', 5: 'mine', active: 5 })
    expect(await world.sreg(['import', server.url, ...FORMAT, '--force'])).toMatchObject({
      code: 0,
    })
    expect(held(world, '/setec/a')).toEqual({ 1: 'one', 2: 'two', 5: 'mine', active: 2 })
  })

  test('a number that was used before is not used again; what was active stays so', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    for (const version of [1, 2, 3]) await server.db.createVersion('a', version, `v${version}`)
    await server.db.activate('a', 1)
    world.registry.setec.claimed.set('/setec/a', new Set([3]))
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({ code: 5, stdout: '' })
    expect(outcome.stderr).toContain(
      '"a": version 3: its number was used here before, and its value is gone',
    )
    expect(held(world, '/setec/a')).toEqual({ 1: 'v1', 2: 'v2', active: 1 })
  })

  test('a deleted entry is not brought back', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    await server.db.createVersion('a', 1, 'one')
    await server.db.createVersion('a', 2, 'two')
    world.registry.store.putNumber('/setec/a', 1, base64('one'))
    world.registry.store.delete({ key: '/setec/a' })
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({ code: 2, stdout: '' })
    expect(outcome.stderr).toContain('"a": it was deleted here')
    expect(writes(world)).toBe(0)
  })

  test('versions that a mount does not keep are told', async () => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    for (const version of [1, 2, 3, 4]) await server.db.createVersion('a', version, `v${version}`)
    world.registry.setec.maxVersions = 2
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({ code: 1, stdout: '' })
    expect(outcome.stderr).toContain('"a": versions 1-2: not kept')
  })
})

test.each([
  ['meta', 'ACCESS_DENIED', 3, 'access is denied here'],
  ['dialect', 'ACCESS_DENIED', 3, 'version 1: access is denied here'],
  ['dialect', 'INVALID_ARGUMENT', 1, 'version 1: the registry does not take it'],
] as const)('%s: %s is about the secret alone', async (name, reason, code, text) => {
  const world = await makeWorld()
  await using server = await startSetecServer()
  await server.db.put('a', 'x')
  await server.db.put('b', 'x')
  world.registry.failures.set(name, reason)
  const outcome = await world.sreg(['import', server.url, ...FORMAT])
  expect(outcome).toEqual({
    code,
    stdout: '',
    stderr: `sreg: "a": ${text}\nsreg: "b": ${text}\nsreg: 0 versions imported, 0 unchanged; problems: 2\n`,
  })
})

test.each(['SEALED', 'DIALECT_REFUSED', 'QUOTA_EXCEEDED', 'AUDIT_FAILED'] as const)(
  '%s ends it',
  async (reason) => {
    const world = await makeWorld()
    await using server = await startSetecServer()
    await server.db.put('a', 'x')
    world.registry.failures.set('dialect', reason)
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({ code: REASONS[reason].status === 'DatabaseError' ? 7 : 6 })
    expect(outcome.stderr).toContain('0 of 1 secrets are done')
  },
)

test('two at the same time end as one does', async () => {
  const world = await makeWorld()
  const server = await SetecStandIn.start()
  for (let index = 10; index < 30; index++) server.hold(`s${index}`, { 1: 'a', 4: 'b', 9: 'c' }, 4)
  await Promise.all([1, 2].map(() => world.sreg(['import', server.url, ...FORMAT])))
  for (let index = 10; index < 30; index++) {
    expect(held(world, `/setec/s${index}`)).toEqual({ 1: 'a', 4: 'b', 9: 'c', active: 4 })
  }
})

describe('broken off', () => {
  async function source(): Promise<SetecStandIn> {
    const server = await SetecStandIn.start()
    for (let index = 10; index < 30; index++) {
      server.hold(`s${index}`, { 1: 'a', 4: 'b', 9: `c${index}` }, 4)
    }
    return server
  }

  function expectWhole(world: World): void {
    for (let index = 10; index < 30; index++) {
      expect(held(world, `/setec/s${index}`)).toEqual({ 1: 'a', 4: 'b', 9: `c${index}`, active: 4 })
    }
  }

  test('by the server: tells how far it came, and goes on from there', async () => {
    const world = await makeWorld()
    const server = await source()
    let left = 35
    server.instead = () => (left-- > 0 ? undefined : 'cut')
    const first = await world.sreg(['import', server.url, ...FORMAT])
    expect(first).toMatchObject({ code: 6, stdout: '' })
    expect(first.stderr).toMatch(
      /^sreg: 127\.0\.0\.1:\d+ cannot be reached[^;]*; \d+ of 20 secrets are done, \d+ versions were imported\n {2}.*run it again, and it goes on from there\n$/,
    )
    const [, done = '', imported = ''] = /(\d+) of 20.*, (\d+) versions/.exec(first.stderr) ?? []
    expect(Number(done)).toBeLessThan(20)
    expect(Number(imported)).toBeGreaterThan(0)
    server.instead = () => undefined
    const second = await world.sreg(['import', server.url, ...FORMAT])
    expect(second.code).toBe(0)
    expect(second.stderr).toContain(
      `sreg: ${60 - Number(imported)} versions imported, ${imported} unchanged`,
    )
    expectWhole(world)
  })

  test('by the registry: as well, after its own hint', async () => {
    const world = await makeWorld()
    const server = await source()
    let left = 11
    const { setec } = world.registry
    const dialect = setec.dialect.bind(setec)
    setec.dialect = (payload) => {
      if (left-- <= 0) throw Object.assign(new Error('no room'), { reason: 'STORAGE_FULL' })
      return dialect(payload)
    }
    const first = await world.sreg(['import', server.url, ...FORMAT])
    expect(first).toMatchObject({ code: 7, stdout: '' })
    expect(first.stderr).toContain('no room; ')
    expect(first.stderr).toContain('free space, then try again; then run it again')
    const json = await world.sreg(['import', server.url, ...FORMAT, '--json'])
    expect(json).toMatchObject({ code: 7, stdout: '' })
    expect(JSON.parse(json.stderr)).toMatchObject({ reason: 'STORAGE_FULL' })
    left = 1000
    expect((await world.sreg(['import', server.url, ...FORMAT])).code).toBe(0)
    expectWhole(world)
  })

  test('few requests at once', async () => {
    const world = await makeWorld()
    const server = await source()
    server.instead = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return undefined
    }
    expect((await world.sreg(['import', server.url, ...FORMAT])).code).toBe(0)
    expect(server.mostAtOnce).toBeGreaterThan(1)
    expect(server.mostAtOnce).toBeLessThanOrEqual(8)
    expectWhole(world)
  })
})

describe('a server that changes meanwhile', () => {
  test('a secret that vanishes is skipped', async () => {
    const world = await makeWorld()
    const server = await SetecStandIn.start()
    server.hold('a', { 1: 'x', 2: 'y' }, 2)
    server.hold('b', { 1: 'x' }, 1)
    server.instead = ({ operation, Name }) => {
      if (operation === 'get' && Name === 'a') server.secrets.delete('a')
      return undefined
    }
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toEqual({
      code: 0,
      stdout: '',
      stderr:
        'sreg: "a": is not at the server any more; it was skipped\nsreg: 1 version imported, 0 unchanged; skipped: 1 vanished\n',
    })
  })

  test('a version that vanishes: the secret is begun anew, with what is there then', async () => {
    const world = await makeWorld()
    const server = await SetecStandIn.start()
    server.hold('a', { 1: 'x', 2: 'y', 3: 'z' }, 3)
    server.instead = ({ operation, Version }) => {
      if (operation === 'get' && Version === 2 && server.secrets.get('a')?.active === 3) {
        server.hold('a', { 1: 'x', 3: 'z', 4: 'new' }, 1)
      }
      return undefined
    }
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({
      code: 0,
      stderr: 'sreg: 3 versions imported, 0 unchanged\n',
    })
    expect(held(world, '/setec/a')).toEqual({ 1: 'x', 3: 'z', 4: 'new', active: 1 })
  })

  test('one that never stays is given up', async () => {
    const world = await makeWorld()
    const server = await SetecStandIn.start()
    server.hold('a', { 1: 'x' }, 1)
    server.instead = ({ operation }) => (operation === 'get' ? [404, 'not found'] : undefined)
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({ code: 6, stdout: '' })
    expect(outcome.stderr).toContain('"a": it is changed at the server all the time')
    expect(server.asked.filter(({ operation }) => operation === 'get')).toHaveLength(3)
  })
})

describe('a server that is none', () => {
  test.each([
    ['a page', [200, '<html>'], 1],
    ['another JSON', [200, { keys: [] }], 1],
    ['a list of others', [200, [{ name: 'a' }]], 1],
    ['a list without end', [200, 'x'.repeat(17 * 1024 * 1024)], 1],
    ['nothing at the path', [404, 'no such page'], 1],
    ['no such operation', [400, 'invalid method'], 1],
    ['a redirect', [302, ''], 1],
    ['a denial', [403, 'access denied'], 3],
    ['no identity', [401, ''], 4],
    ['too much asked', [429, ''], 6],
    ['away', [503, ''], 6],
    ['cut', 'cut', 6],
  ] as const)('%s', async (_, answer, code) => {
    const world = await makeWorld()
    const server = await SetecStandIn.start()
    server.instead = () => answer
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toContain(new URL(server.url).host)
    // What to do next.
    expect(outcome.stderr).toMatch(/\n {2}\S/)
    expect(outcome.stderr.length).toBeLessThan(600)
    expect(writes(world)).toBe(0)
  })

  test('nobody listens', async () => {
    const world = await makeWorld()
    const outcome = await world.sreg(['import', `http://127.0.0.1:${await freePort()}`, ...FORMAT])
    expect(outcome).toMatchObject({ code: 6, stdout: '' })
    expect(outcome.stderr).toContain('cannot be reached (ECONNREFUSED)')
  })

  test('names and versions that cannot be are told, and the others are imported', async () => {
    const world = await makeWorld()
    const server = await SetecStandIn.start()
    server.hold('good', { 1: 'x' }, 1)
    server.hold('', { 1: 'x' }, 1)
    server.hold('_internal/x', { 1: 'x' }, 1)
    server.hold('n'.repeat(506), { 1: 'x' }, 1)
    server.hold('ž'.repeat(300), { 1: 'x' }, 1)
    server.hold('lone \ud800', { 1: 'x' }, 1)
    server.hold('zero', { 0: 'x', 1: 'y' }, 1)
    server.hold('inactive', { 1: 'x' }, 2)
    server.hold('large', { 1: 'x', 2: Buffer.alloc(1024 * 1024 + 1), 3: 'z' }, 1)
    server.hold('huge', { 1: 'x', 2: Buffer.alloc(5 * 1024 * 1024) }, 1)
    server.hold('garbled', { 1: 'x' }, 1)
    server.hold('failing', { 1: 'x' }, 1)
    server.instead = ({ operation, Name }) => {
      if (operation === 'get' && Name === 'garbled') return [200, { Value: '!', Version: 1 }]
      if (operation === 'get' && Name === 'failing') return [500, 'internal error']
      return undefined
    }
    const outcome = await world.sreg(['import', server.url, ...FORMAT])
    expect(outcome).toMatchObject({ code: 1, stdout: '' })
    for (const line of [
      '"": setec keeps such a name',
      '"_internal/x": setec keeps such a name',
      `"${'n'.repeat(506)}": a name must fit`,
      `"${'ž'.repeat(300)}": a name must fit`,
      '"lone \\ud800": ',
      '"zero": the server tells versions that no secret can have',
      '"inactive": the server tells versions that no secret can have',
      '"large": version 2: 1048577 bytes; a value has at most 1048576',
      '"huge": version 2: the server fails: get "huge": the answer is longer than',
      '"garbled": version 1: the server fails',
      '"failing": version 1: the server fails: get "failing": status 500: internal error',
    ]) {
      expect(outcome.stderr).toContain(`sreg: ${line}`)
    }
    expect(outcome.stderr).toContain('problems: 11')
    expect(held(world, '/setec/good')).toEqual({ 1: 'x', active: 1 })
    expect(held(world, '/setec/large')).toEqual({ 1: 'x', active: 1 })
  })

  test('a name twice', async () => {
    const world = await makeWorld()
    const server = await SetecStandIn.start()
    const info = { Name: 'a', Versions: [1], ActiveVersion: 1 }
    server.instead = () => [200, [info, info]]
    expect(await world.sreg(['import', server.url, ...FORMAT])).toMatchObject({ code: 1 })
  })

  test('names drive no terminal, and problems beyond fifty are counted', async () => {
    const world = await makeWorld()
    const server = await SetecStandIn.start()
    for (let index = 0; index < 60; index++) {
      server.hold(`\u001b[31m\n\u202e${index}`, { 1: 'x' }, 2)
    }
    const { stderr } = await world.sreg(['import', server.url, ...FORMAT])
    expect(stderr).not.toContain('\u001b')
    expect(stderr).not.toContain('\u202e')
    expect(stderr).toContain('and 10 more problems')
    expect(stderr.trimEnd().split('\n')).toHaveLength(52)
  })
})
