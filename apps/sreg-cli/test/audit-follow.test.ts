/** sreg audit --follow: each record once, in order, across connections, restarts and logins. */
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { saveSession } from '../src/session-file.ts'
import { makeWorld, type Outcome, type World } from './harness.ts'

const SIGNAL = 'SIGTERM'

/**
 * Follow, do something with the registry, end it by a signal unless it has ended, and give what was left. Work that makes
 * it end by itself has to wait for that.
 */
async function following(
  argv: readonly string[],
  work: (world: World, end: Promise<unknown>) => Promise<void>,
  prepare: (world: World) => void = () => {},
): Promise<{ readonly outcome: Outcome; readonly world: World }> {
  const world = await makeWorld()
  prepare(world)
  const before = process.listenerCount(SIGNAL)
  let ended = false
  const running = world.sreg(['audit', '--follow', ...argv]).finally(() => {
    ended = true
  })
  await waitFor(() => ended || world.registry.log.waiting === 1)
  await work(world, running)
  if (!ended) {
    expect(process.listenerCount(SIGNAL)).toBe(before + 1)
    process.emit(SIGNAL, SIGNAL)
  }
  const outcome = await running
  expect(process.listenerCount(SIGNAL)).toBe(before)
  return { outcome, world }
}

const sequencesOf = ({ stdout }: Outcome): number[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).sequence)

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** Wait until everything that was recorded has been told. */
const settled = ({ registry }: World): Promise<unknown> => waitFor(() => registry.log.waiting === 1)

const adding =
  (count: number) =>
  ({ registry }: World): void => {
    for (let n = 0; n < count; n++) registry.log.add()
  }

/** Log in anew, as another command of the same user does. */
function login({ registry, env }: World): void {
  saveSession(env, registry.path, { session_id: registry.session(), user: 'alice' })
}

describe('sreg audit --follow', () => {
  test('the last 10, oldest first, then what comes; a signal ends it with 0', async () => {
    const { outcome } = await following(
      ['--json'],
      async (world) => {
        world.registry.log.add()
        await settled(world)
        adding(2)(world)
        await settled(world)
      },
      adding(25),
    )
    expect(outcome).toMatchObject({ code: 0, stderr: '' })
    expect(sequencesOf(outcome)).toEqual(range(16, 28))
  })

  test('lines for people, made printable', async () => {
    const { outcome } = await following(['--verbose'], async (world) => {
      world.registry.log.add({ paths: ['/a\nb'], outcome: 'denied', reason: 'ACCESS_DENIED' })
      await settled(world)
    })
    expect(outcome.stdout).toMatch(
      /^1 {9}2026-01-31 \d\d:\d\d:\d\d {2}alice {7}read {14}\/a\\u\{0a\}b {17}denied: ACCESS_DENIED\n$/,
    )
  })

  test.each([
    ['0', range(6, 7)],
    ['2', range(4, 7)],
    ['1000', range(1, 7)],
  ])('--limit %s: so many to begin with', async (limit, told) => {
    const { outcome } = await following(
      ['--json', '--limit', limit],
      async (world) => {
        adding(2)(world)
        await settled(world)
      },
      adding(5),
    )
    expect(sequencesOf(outcome)).toEqual(told)
  })

  test('filters hold for both', async () => {
    const { outcome, world } = await following(
      ['--json', '--action', 'write', '--scan'],
      async (open) => {
        const { log } = open.registry
        log.add()
        log.add({ action: 'write' })
        await settled(open)
      },
      ({ registry }) => {
        registry.log.add({ action: 'write' })
        registry.log.add()
      },
    )
    expect(sequencesOf(outcome)).toEqual([1, 4])
    const asked = world.registry.asked.map(({ payload }) => payload)
    expect(asked[0]).toEqual({ action: 'write', follow: true })
    expect(asked[1]).toEqual({ action: 'write', scan: true, limit: 10 })
    expect(asked[2]).toMatchObject({ cursor: expect.any(String), wait_ms: 25_000 })
  })

  test('what is recorded between the opening and the first question is told once', async () => {
    const { outcome } = await following(
      ['--json', '--limit', '2'],
      async (world) => {
        world.registry.log.add()
        await settled(world)
      },
      ({ registry }) => {
        const { log } = registry
        log.add()
        // Each question finds three records more than there were when the follow was opened.
        registry.answeringAudit = (payload) => {
          if (payload['follow'] !== true && payload['cursor'] === undefined) {
            for (let n = 0; n < 3; n++) log.add()
          }
          return log.audit(payload)
        }
      },
    )
    expect(sequencesOf(outcome)).toEqual([3, 4, 5])
  })

  test('a lost connection: what came in between is read, once', async () => {
    const { outcome } = await following(
      ['--json'],
      async (world) => {
        for (let round = 0; round < 3; round++) {
          world.registry.log.forgetFollows()
          adding(1200)(world)
          world.registry.breakConnections()
          await settled(world)
          world.registry.log.add()
          await settled(world)
        }
      },
      adding(1),
    )
    expect(outcome.code).toBe(0)
    expect(sequencesOf(outcome)).toEqual(range(1, 1 + 3 * 1201))
  })

  test('nothing had matched yet: a record of the time in between is told', async () => {
    const { outcome } = await following(
      ['--json', '--user', 'bob'],
      async (world) => {
        const { registry } = world
        registry.log.forgetFollows()
        registry.log.add({ actor: { user: 'bob', door: 'http', proof: 'credential', mfa: false } })
        registry.breakConnections()
        await settled(world)
      },
      adding(3),
    )
    expect(sequencesOf(outcome)).toEqual([4])
  })

  test('a restart: it waits for the unlocking and the next login, and asks nothing that is recorded', async () => {
    const { outcome, world } = await following(
      [],
      async (open) => {
        const { registry } = open
        registry.restart()
        registry.log.add({ paths: ['/between'] })
        const since = registry.asked.length
        const statuses = (): number =>
          registry.asked.slice(since).filter(({ name }) => name === 'status').length
        await waitFor(() => statuses() >= 3)
        expect(registry.asked.slice(since).every(({ name }) => name === 'status')).toBe(true)
        registry.state = 'unsealed'
        // The session of before is tried once.
        await waitFor(() => registry.asked.at(-1)?.name === 'audit')
        const refused = registry.asked.length
        await waitFor(() => registry.asked.length >= refused + 2)
        expect(registry.asked.slice(refused).every(({ name }) => name === 'status')).toBe(true)
        login(open)
        await settled(open)
        registry.log.add({ paths: ['/after'] })
        await settled(open)
      },
      adding(1),
    )
    expect(outcome.code).toBe(0)
    const paths = outcome.stdout.split('\n').map((line) => /\/\w+/.exec(line)?.[0])
    expect(paths).toEqual(['/a1', '/between', '/after', undefined])
    expect(outcome.stderr).toBe(
      [
        'sreg: the connection to the daemon was lost; it goes on once it is back',
        'sreg: the registry is sealed; it goes on after: sreg unlock',
        'sreg: the session has ended; it goes on after: sreg login NAME',
        '',
      ].join('\n'),
    )
    expect(world.registry.asked.filter(({ payload }) => payload['follow'] === true)).toHaveLength(3)
  })

  test('a login that came before the old session was refused is kept', async () => {
    const { outcome } = await following(['--json'], async (open) => {
      const { registry } = open
      registry.restart()
      registry.state = 'unsealed'
      login(open)
      await settled(open)
      adding(1)(open)
      await settled(open)
    })
    expect(sequencesOf(outcome)).toEqual([1])
  })

  test('a follow that the daemon has given up is opened again', async () => {
    const { outcome } = await following(['--json'], async (world) => {
      const { log } = world.registry
      log.giveUp()
      await settled(world)
      log.add()
      await settled(world)
    })
    expect(sequencesOf(outcome)).toEqual([1])
  })

  test('records that retention removed before they were told are counted', async () => {
    for (const [argv, note] of [
      [[], 'sreg: 7 records were removed by retention before they could be shown\n'],
      [['--json'], '{"missed":7}\n'],
    ] as const) {
      const { outcome } = await following(argv, async (world) => {
        world.registry.log.missed = 7
        world.registry.log.add()
        await settled(world)
      })
      expect(outcome).toMatchObject({ code: 0, stderr: note })
    }
  })

  test('what cannot pass ends it: at once, and later', async () => {
    const world = await makeWorld()
    world.registry.failures.set('audit', 'ACCESS_DENIED')
    expect(await world.sreg(['audit', '--follow'])).toMatchObject({ code: 3, stdout: '' })
    const gone = await world.sreg(['audit', '--follow', '-s', world.home.file('nobody')])
    expect(gone).toMatchObject({ code: 6, stdout: '' })
    const { outcome, world: later } = await following([], async ({ registry }, end) => {
      registry.failures.set('audit', 'ACCESS_DENIED')
      registry.breakConnections()
      await end
    })
    expect(outcome.code).toBe(3)
    expect(later.registry.asked.filter(({ name }) => name === 'audit')).toHaveLength(4)
  })

  test.each([
    ['cut off', 2, 'record 5 is not there any more'],
    ['put back and grown again', 6, 'record 5 is not the one that it was'],
  ])('a log that was %s meanwhile is not followed on', async (_, size, message) => {
    const { outcome } = await following(
      ['--json'],
      async ({ registry }, end) => {
        const { log } = registry
        log.forgetFollows()
        log.records.splice(2)
        while (log.records.length < size) log.add({ action: 'write' })
        registry.breakConnections()
        await end
      },
      adding(5),
    )
    expect(outcome.code).toBe(7)
    const { reason, message: told } = JSON.parse(outcome.stderr)
    expect({ reason, told }).toEqual({
      reason: 'AUDIT_TAMPERED',
      told: expect.stringContaining(message),
    })
  })
})
