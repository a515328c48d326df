/** Random commits, faults and trimming; readers of all kinds and speeds: each is told exactly what is about it. */
import type { ChangeEvent } from '@secreg/protocol'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeChangePiece } from '../src/change.ts'
import { WatchHub } from '../src/watch/hub.ts'
import { isInScope, type WatchScope } from '../src/watch/scope.ts'
import { openPipeline } from './internals.ts'
import { TestReader, type Told } from './watch-reader.ts'

const KEYS = ['/a', '/a/b', '/a/b/c', '/a/d', '/ab', '/ab/c', '/x', '/x/y/z'] as const
const NEVER_ALLOWED = '/a/d'

const eventsArbitrary = fc.array(
  fc.record<ChangeEvent>({
    op: fc.constantFrom('set', 'delete', 'purge'),
    key: fc.constantFrom(...KEYS),
    version: fc.integer({ min: 1, max: 9 }),
    type: fc.constant('string'),
    encrypted: fc.boolean(),
  }),
  { maxLength: 12, size: 'max' },
)
const scopeArbitrary = fc.record<WatchScope>({
  kind: fc.constantFrom('entry', 'children', 'subtree'),
  path: fc.constantFrom('', ...KEYS),
})
const which = fc.nat({ max: 7 })

type Step =
  | { readonly do: 'commit'; readonly groups: readonly ChangeEvent[][] }
  | { readonly do: 'doubt'; readonly events: ChangeEvent[]; applied: boolean; read: boolean }
  | { readonly do: 'open'; readonly scope: WatchScope; readonly since: number; slow: boolean }
  | { readonly do: 'slow' | 'take' | 'reopen'; readonly reader: number }
  | { readonly do: 'turns' | 'sweep' }
  | { readonly do: 'trim'; readonly part: number }
  | { readonly do: 'forbid' | 'allow'; readonly key: string }

const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      groups: fc.array(eventsArbitrary, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('doubt' as const),
      events: eventsArbitrary,
      applied: fc.boolean(),
      read: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      scope: scopeArbitrary,
      since: fc.nat({ max: 100 }),
      slow: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('slow' as const, 'take' as const, 'reopen' as const),
      reader: which,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('turns' as const, 'sweep' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('trim' as const), part: fc.nat({ max: 100 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('forbid' as const, 'allow' as const),
      key: fc.constantFrom('/x', '/ab/c'),
    }),
  },
)

/** Small enough that everything that is about limits happens. */
const SMALL = {
  liveEvents: 15,
  unreadBytes: 600,
  readerUnreadBytes: 600,
  catchUpUnreadBytes: 300,
  catchUpReaderUnreadBytes: 300,
  pieceBytes: 200,
  readRows: 3,
  readBytes: 600,
  cachedEvents: 12,
  cachedLargeBytes: 900,
  progressMs: 0,
}

const turn = () => new Promise((resume) => setImmediate(resume))

async function run(steps: readonly Step[]): Promise<void> {
  const medium = new MemoryEngine()
  const engine = new FaultEngine(medium)
  const forbidden = new Set<string>([NEVER_ALLOWED])
  /** Keys that were forbidden at some time: of those, nobody can say what was told. */
  const doubtful = new Set<string>()
  const hub = new WatchHub({
    engine,
    limits: SMALL,
    monotonicMs: () => performance.now(),
    mayTell: (_, { key }) => !forbidden.has(key),
    onFault: (fault) => {
      throw fault
    },
  })
  const { writer } = await openPipeline({
    engine,
    onCommit: (revision, events) => hub.publish(revision, events),
    onFault: (fault) => faults.push(fault),
  })
  const faults: unknown[] = []
  const readers: TestReader[] = []
  /** What was applied, however that was told; of commits that failed, nothing. */
  let commits = 0
  const commit = (events: readonly ChangeEvent[]): Promise<number> =>
    writer.submit({
      plan: () => ({
        ops: [{ type: 'put', key: `k${++commits}`, value: new Uint8Array(1) }],
        events,
        record: '{}',
        result: (revision) => revision,
      }),
      refusal: () => '{}',
    })

  const all: Told[] = []
  let known = 0
  /** Read what is committed, before it is trimmed. */
  const learn = async (): Promise<void> => {
    for await (const { revision, payload } of medium.changes(known)) {
      known = revision
      if (payload !== undefined) all.push([revision, decodeChangePiece(payload, 0).events])
    }
  }

  for (const step of steps) {
    switch (step.do) {
      case 'commit':
        await Promise.all(step.groups.map(commit))
        break
      case 'doubt': {
        engine.failCommit(1, { errno: 'EIO', applied: step.applied, reopens: false })
        await commit(step.events).catch(() => {})
        if (step.read) await turn()
        engine.heal()
        if (step.read) await writer.free()
        break
      }
      case 'open': {
        const { trimmed, head } = engine
        const since = trimmed + Math.floor(((head - trimmed) * step.since) / 100)
        if (readers.length > 7 || engine.state !== 'open') break
        readers.push(new TestReader(hub, step.scope, since))
        const reader = readers.at(-1) as TestReader
        reader.sink.slow = step.slow
        break
      }
      case 'slow': {
        const sink = readers[step.reader]?.sink
        if (sink !== undefined) sink.slow = !sink.slow
        break
      }
      case 'take':
        readers[step.reader]?.take()
        break
      case 'reopen':
        readers[step.reader]?.reopen()
        break
      case 'turns':
        for (let i = 0; i < 5; i++) await turn()
        break
      case 'sweep':
        hub.sweep()
        break
      case 'trim':
        await learn()
        await engine.trimChanges(Math.floor((engine.head * step.part) / 200))
        break
      case 'forbid':
        forbidden.add(step.key)
        doubtful.add(step.key)
        break
      case 'allow':
        forbidden.delete(step.key)
        break
    }
  }
  await commit([])
  await settle(hub, readers)
  expect(faults).toEqual([])
  await learn()
  for (const reader of readers) {
    const isCertain = ({ key }: ChangeEvent): boolean => !doubtful.has(key) && key !== NEVER_ALLOWED
    const expected = all
      .filter(([revision]) =>
        reader.missed.every(([from, to]) => revision <= from || revision > to),
      )
      .filter(([revision]) => revision > reader.firstSince)
      .map(([revision, events]) =>
        part(revision, events, (event) => isInScope(reader.scope, event.key) && isCertain(event)),
      )
      .filter(([, events]) => events.length > 0)
    const told = reader.told
      .map(([revision, events]) => part(revision, events, isCertain))
      .filter(([, events]) => events.length > 0)
    expect(told).toEqual(expected)
    expect(
      reader.told.flatMap(([, events]) => events).some(({ key }) => key === NEVER_ALLOWED),
    ).toBe(false)
  }
  hub.close(new Error('closed') as never)
  await writer.close()
}

function part(
  revision: number,
  events: readonly ChangeEvent[],
  keep: (event: ChangeEvent) => boolean,
): Told {
  return [revision, events.filter(keep)]
}

/** Let all readers take everything, until they have been told of the last revision. */
async function settle(hub: WatchHub, readers: readonly TestReader[]): Promise<void> {
  for (const reader of readers) reader.sink.slow = false
  for (let round = 0; round < 5000; round++) {
    hub.sweep()
    for (const reader of readers) reader.take()
    if (readers.every(({ sink }) => sink.messages.at(-1)?.revision === hub.published)) break
    await turn()
  }
  for (const reader of readers) reader.collect()
}

test('every reader is told exactly its events, in order, no revision split, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { minLength: 5, maxLength: 120, size: 'max' }), run),
    {
      numRuns: process.env['SECREG_SOAK'] === '1' ? 10_000 : 150,
    },
  )
})
