import {
  type ChangeBatch,
  connectRegistry,
  type FollowOptions,
  followChanges,
  type RegistryConnection,
} from '@secreg/client'
import { SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  type FakeChanges,
  type FakeChangesOptions,
  type Fault,
  fakeChanges,
  type Revision,
} from './fake-changes.ts'
import { change, fakeDaemon, refuse } from './fake-daemon.ts'

const logOf = (sizes: readonly number[], from = 1): Revision[] =>
  sizes.map((size, at) => ({
    revision: from + at,
    events: Array.from({ length: size }, (_, index) => change(`/${from + at}/${index}`)),
  }))

const keysOf = (batches: readonly { readonly events: ChangeBatch['events'] }[]): string[] =>
  batches.flatMap(({ events }) => events.map(({ key }) => key))

const at =
  (daemon: { readonly path: string }, options: Parameters<typeof connectRegistry>[0] = {}) =>
  (signal?: AbortSignal): Promise<RegistryConnection> =>
    connectRegistry({
      socket: daemon.path,
      ...options,
      ...(signal === undefined ? {} : { signal }),
    })

const AT_ONCE: FollowOptions = { wait: async () => {}, random: () => 1 }

async function started(options: FakeChangesOptions): Promise<FakeChanges> {
  const daemon = await fakeChanges(options)
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  return daemon
}

/** Batches up to one of this revision. */
async function upTo(changes: AsyncIterable<ChangeBatch>, revision: number): Promise<ChangeBatch[]> {
  const batches: ChangeBatch[] = []
  for await (const batch of changes) {
    batches.push(batch)
    if (batch.revision >= revision) break
  }
  return batches
}

const failureOf = (changes: AsyncIterable<unknown>): Promise<unknown> =>
  (async () => {
    for await (const _ of changes);
  })().then(
    () => 'no error',
    (error: unknown) => error,
  )

test('each change once, in order, whatever happens to the connections', async () => {
  const fault: fc.Arbitrary<Fault> = fc.record({
    after: fc.nat(8),
    kind: fc.constantFrom(
      'drop',
      'cut',
      'overflow',
      'shutdown',
      'refuse',
      'refuse-connection',
      'restart',
    ),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        sizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 30 }),
        faults: fc.array(fault, { maxLength: 8 }),
        messageEvents: fc.integer({ min: 1, max: 5 }),
        messageRevisions: fc.integer({ min: 1, max: 3 }),
        progress: fc.boolean(),
        maxBufferedEvents: fc.constantFrom(1, 3, 1000),
        reads: fc.integer({ min: 1, max: 3 }),
      }),
      async ({ sizes, maxBufferedEvents, reads, ...rest }) => {
        const log = logOf(sizes)
        await using daemon = await fakeChanges({ log, ...rest })
        const changes = followChanges(
          at(daemon),
          { since_revision: 0, generation: 'g1' },
          { ...AT_ONCE, maxBufferedEvents },
        )
        let last = 0
        let count = 0
        for await (const batch of changes) {
          const whole = log.filter(({ revision }) => revision > last && revision <= batch.revision)
          expect(keysOf([batch])).toEqual(keysOf(whole))
          last = batch.revision
          if (++count % reads === 0) await new Promise((resolve) => setImmediate(resolve))
          if (last === sizes.length) break
        }
        expect(last).toBe(sizes.length)
      },
    ),
    { numRuns: 200 },
  )
}, 60_000)

describe('resuming', () => {
  test('from now on, it goes on where the first watch began', async () => {
    const daemon = await started({
      log: logOf([1, 1]),
      faults: [{ kind: 'drop', after: 0 }],
    })
    const starts: object[] = []
    const changes = followChanges(
      at(daemon),
      { prefix: '/', recursive: true },
      {
        ...AT_ONCE,
        onStart: (position) => void starts.push(position),
        onRetry: () => daemon.log.push(...logOf([1], 3)),
      },
    )
    expect(keysOf(await upTo(changes, 3))).toEqual(['/3/0'])
    expect(starts).toEqual([{ revision: 2, generation: 'g1' }])
    expect(daemon.watches).toEqual([
      { since: undefined, generation: undefined },
      { since: 2, generation: 'g1' },
    ])
    expect(daemon.asked[0]?.payload).toEqual({ prefix: '/', recursive: true, progress: true })
  })

  test('moves on with the notices that nothing happened, and gives them where asked', async () => {
    for (const progress of [false, true]) {
      const daemon = await started({
        log: [...logOf([1]), { revision: 50, events: [] }],
        faults: [{ kind: 'restart', after: 2 }],
      })
      const changes = followChanges(
        at(daemon),
        { since_revision: 0, progress },
        {
          ...AT_ONCE,
          onRetry: () => daemon.log.push(...logOf([1], 51)),
        },
      )
      const batches = await upTo(changes, 51)
      expect(batches.map(({ revision }) => revision)).toEqual(progress ? [1, 50, 51] : [1, 51])
      expect(daemon.watches.at(-1)).toEqual({ since: 50, generation: 'g1' })
    }
  })

  test('every connection is closed', async () => {
    const daemon = await started({
      log: logOf([1, 1, 1, 1]),
      faults: [
        { kind: 'overflow', after: 1 },
        { kind: 'refuse', after: 0 },
      ],
    })
    const connections: RegistryConnection[] = []
    const changes = followChanges(
      async () => {
        const connection = await at(daemon)()
        connections.push(connection)
        return connection
      },
      { since_revision: 0 },
      AT_ONCE,
    )
    await upTo(changes, 4)
    expect(connections.map(({ closed }) => closed)).toEqual([true, true, true])
  })

  test('nobody listens at first', async () => {
    const daemon = await started({ log: logOf([1]) })
    let tries = 0
    const changes = followChanges(
      () => (tries++ < 3 ? connectRegistry({ socket: '/nonexistent' }) : at(daemon)()),
      { since_revision: 0 },
      AT_ONCE,
    )
    expect(keysOf(await upTo(changes, 1))).toEqual(['/1/0'])
    expect(tries).toBe(4)
  })
})

describe('waiting', () => {
  const delays = async (
    kinds: readonly Fault[],
    options: FollowOptions,
    log = logOf([1, 1, 1, 1]),
  ): Promise<number[]> => {
    const daemon = await started({ log, faults: kinds })
    const waited: number[] = []
    const changes = followChanges(
      at(daemon),
      { since_revision: 0 },
      {
        ...options,
        wait: async (delayMs) => void waited.push(delayMs),
      },
    )
    await upTo(changes, log.length)
    return waited
  }
  const lost = (times: number): Fault[] => Array(times).fill({ kind: 'drop', after: 0 })

  test('doubles up to the longest', async () => {
    expect(await delays(lost(6), { minDelayMs: 10, maxDelayMs: 100, random: () => 1 })).toEqual([
      10, 20, 40, 80, 100, 100,
    ])
    expect(await delays(lost(3), { minDelayMs: 10, maxDelayMs: 100, random: () => 0 })).toEqual([
      5, 10, 20,
    ])
  })

  test('is short again after a change', async () => {
    const faults: Fault[] = [...lost(3), { kind: 'drop', after: 1 }, ...lost(1)]
    expect(await delays(faults, { minDelayMs: 10, random: () => 1 })).toEqual([10, 20, 40, 10, 20])
  })

  test('is as long as the daemon asks, within the longest', async () => {
    const refused: Fault[] = [{ kind: 'refuse', after: 0 }]
    expect(await delays(refused, { random: () => 1 })).toEqual([1000])
    expect(await delays(refused, { maxDelayMs: 700, random: () => 1 })).toEqual([700])
  })

  test('ends at once with the reason of the signal', async () => {
    const controller = new AbortController()
    const changes = followChanges(
      () => connectRegistry({ socket: '/nonexistent' }),
      {},
      {
        signal: controller.signal,
        minDelayMs: 1_000_000,
        maxDelayMs: 1_000_000,
        onRetry: () => setImmediate(() => controller.abort(new Error('enough'))),
      },
    )
    expect(await failureOf(changes)).toMatchObject({ message: 'enough' })
  })

  test('the default wait is a timer', async () => {
    const daemon = await started({ log: logOf([1]), faults: lost(2) })
    const changes = followChanges(at(daemon), { since_revision: 0 }, { minDelayMs: 1 })
    expect(keysOf(await upTo(changes, 1))).toEqual(['/1/0'])
  })
})

describe('changes that are missing', () => {
  test('end it without onReset', async () => {
    const daemon = await started({ log: logOf([1, 1, 1]) })
    daemon.minRevision = 2
    const changes = followChanges(at(daemon), { since_revision: 1 }, AT_ONCE)
    expect(await failureOf(changes)).toMatchObject({ reason: 'REVISION_COMPACTED', minRevision: 2 })
  })

  test('are told once a watch from now on stands', async () => {
    const daemon = await started({ log: logOf([1, 1, 1]), faults: [{ kind: 'drop', after: 1 }] })
    const resets: unknown[] = []
    const changes = followChanges(
      at(daemon),
      { since_revision: 0 },
      {
        ...AT_ONCE,
        onRetry: (error) => {
          if (error.reason === 'UNREACHABLE' && daemon.generation === 'g1') {
            // A restored store: another life, with another history.
            daemon.generation = 'g2'
            daemon.log.splice(0, 3, ...logOf([2], 90))
          }
        },
        onReset: async (error, position) => {
          resets.push(error.reason, position)
          await new Promise((resolve) => setImmediate(resolve))
          resets.push('read again')
          daemon.log.push(...logOf([1], 91))
          for (const socket of daemon.sockets) socket.destroy()
        },
      },
    )
    const batches: unknown[] = []
    for await (const batch of changes) {
      batches.push(keysOf([batch]))
      if (batch.revision === 91) break
    }
    expect(resets).toEqual(['REVISION_COMPACTED', { revision: 90, generation: 'g2' }, 'read again'])
    expect(batches).toEqual([['/1/0'], ['/91/0']])
    expect(daemon.watches).toEqual([
      { since: 0, generation: undefined },
      { since: 1, generation: 'g1' },
      { since: undefined, generation: undefined },
      { since: 90, generation: 'g2' },
    ])
  })

  test('are told again when reading again fails for want of a connection', async () => {
    const daemon = await started({ log: logOf([1, 1, 1]) })
    daemon.minRevision = 2
    let calls = 0
    const changes = followChanges(
      at(daemon),
      { since_revision: 1 },
      {
        ...AT_ONCE,
        onReset: () => {
          daemon.log.push(...logOf([1], 4 + calls))
          if (++calls < 3) throw new SecregError('UNREACHABLE', 'lost')
        },
      },
    )
    expect(keysOf(await upTo(changes, 5))).toEqual(['/4/0', '/5/0'])
    expect(calls).toBe(3)
  })

  test('any other failure of reading again ends it', async () => {
    const daemon = await started({ log: logOf([1, 1, 1]) })
    daemon.minRevision = 2
    const changes = followChanges(
      at(daemon),
      { since_revision: 1 },
      {
        ...AT_ONCE,
        onReset: () => Promise.reject(new RangeError('mine')),
      },
    )
    expect(await failureOf(changes)).toBeInstanceOf(RangeError)
  })

  test('of a watch from now on end it: nothing can be missing', async () => {
    const daemon = await fakeDaemon(({ socket }) => refuse(socket, 'REVISION_COMPACTED', 6))
    onTestFinished(() => daemon[Symbol.asyncDispose]())
    const changes = followChanges(at(daemon), {}, { ...AT_ONCE, onReset: () => {} })
    expect(await failureOf(changes)).toMatchObject({ reason: 'REVISION_COMPACTED' })
  })
})

test.each([
  ['SEALED', 6],
  ['AUTH_FAILED', 4],
  ['AUTH_REQUIRED', 4],
  ['AUTH_LOCKED_OUT', 4],
  ['SESSION_INVALID', 4],
  ['ACCESS_DENIED', 3],
  ['PATH_INVALID', 1],
  ['OF_THE_FUTURE', 6],
])('%s ends it', async (reason, code) => {
  const daemon = await fakeDaemon(({ socket }) => refuse(socket, reason, code))
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const error = await failureOf(followChanges(at(daemon), {}, AT_ONCE))
  expect(error).toMatchObject({ status: code })
  for (const socket of daemon.sockets) await new Promise((resolve) => socket.on('close', resolve))
})

test('what connect throws ends it', async () => {
  const changes = followChanges(() => Promise.reject(new TypeError('mine')), {}, AT_ONCE)
  expect(await failureOf(changes)).toBeInstanceOf(TypeError)
})

test('an aborted signal ends a watch that waits, and connects no more', async () => {
  const daemon = await started({ log: logOf([1]) })
  const controller = new AbortController()
  const { signal } = controller
  const changes = followChanges(at(daemon), { since_revision: 0 }, { ...AT_ONCE, signal })
  const failure = (async () => {
    for await (const _ of changes) setImmediate(() => controller.abort(new Error('enough')))
  })().catch((error: unknown) => error)
  expect(await failure).toMatchObject({ message: 'enough' })
  expect(daemon.watches).toHaveLength(1)
  let connects = 0
  const never = followChanges(
    () => {
      connects++
      return at(daemon)()
    },
    {},
    { signal },
  )
  expect(await failureOf(never)).toMatchObject({ message: 'enough' })
  expect(connects).toBe(0)
})

test('wrong arguments', () => {
  const connect = (): never => {
    throw new Error('not called')
  }
  expect(() => followChanges(1 as never, {})).toThrow(TypeError)
  expect(() => followChanges(connect, {}, { minDelayMs: -1 })).toThrow(RangeError)
  expect(() => followChanges(connect, {}, { maxDelayMs: 'x' as never })).toThrow(TypeError)
})
