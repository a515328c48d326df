/**
 * A source whose active values rotate, which is slow, fails, denies, loses a secret and has it again, told of by a
 * watch that may be lost or silent: whatever happens, in whatever order, a read never waits, never gives a value that
 * was never active, never an older one than before, and once the source is healthy the present one within an interval.
 */
import { memoryCache, openStore, type SecretSource } from '@secreg/store'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { denied, FakeClock, unreachable, WatchedSource } from './support.ts'

const NAMES = ['a', 'b', 'c']
const INTERVAL_MS = 10_000
const TIMEOUT_MS = 1000

type Step =
  | { readonly do: 'rotate'; readonly name: string; readonly told: boolean }
  | { readonly do: 'back'; readonly name: string; readonly told: boolean }
  | { readonly do: 'slow' }
  | { readonly do: 'fail'; readonly name: string; readonly denies: boolean }
  | { readonly do: 'mend' }
  | { readonly do: 'delete'; readonly name: string }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'refresh' }
  | { readonly do: 'lookup'; readonly name: string }
  | { readonly do: 'endWatch'; readonly failed: boolean }
  | { readonly do: 'restart' }

/** Milliseconds before and after the moment of reading, of one request after the other while the source is slow. */
const latencies = fc.array(fc.tuple(fc.nat(1200), fc.nat(1200)), {
  minLength: 1,
  maxLength: 20,
  size: 'max',
})

const name = fc.constantFrom(...NAMES)
const told = fc.boolean()
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('rotate' as const), name, told }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('back' as const), name, told }) },
  { weight: 4, arbitrary: fc.constant({ do: 'slow' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      name: fc.constantFrom(...NAMES, '*'),
      denies: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'mend' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(1000) }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'refresh' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lookup' as const), name }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('endWatch' as const), failed: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
)

class World {
  readonly clock = new FakeClock()
  readonly source = new WatchedSource(this.clock)
  readonly cache = memoryCache()
  /** Every value that was ever active, in order; a rollback appends it again. */
  readonly history = new Map<string, string[]>()
  /** Place in the history of what was read last. */
  readonly seen = new Map<string, number>()
  store: Awaited<ReturnType<typeof openStore<string>>> | undefined
  slow = false
  #count = 0

  constructor(latencies: readonly (readonly [number, number])[]) {
    let asked = 0
    this.source.nextLatency = () => (this.slow && latencies[asked++ % latencies.length]) || [0, 0]
    for (const each of NAMES) this.rotate(each)
  }

  rotate(each: string): void {
    this.#activate(each, `${each}${++this.#count}`, this.#count)
  }

  /** Activate an older version again, under its own number. */
  back(each: string): void {
    const values = this.history.get(each) as string[]
    const value = values[Math.floor(values.length / 2)] as string
    this.#activate(each, value, Number(value.slice(1)))
  }

  #activate(each: string, value: string, version: number): void {
    this.source.set(each, value, version)
    const values = this.history.get(each) ?? []
    if (values.at(-1) !== value) values.push(value)
    this.history.set(each, values)
  }

  async open(watched: boolean): Promise<void> {
    const { source } = this
    const seenSource: SecretSource = {
      get: (each, options) => source.get(each, options),
      getIfChanged: (each, version, options) => source.getIfChanged(each, version, options),
      ...(watched
        ? { watch: (names, onChange, options) => source.watch(names, onChange, options) }
        : {}),
    }
    const opened = openStore<string>({
      source: seenSource,
      secrets: ['a', 'b'],
      allowLookup: true,
      cache: this.cache,
      clock: this.clock,
      pollIntervalMs: INTERVAL_MS,
      requestTimeoutMs: TIMEOUT_MS,
      random: () => 0.5,
    })
    await this.clock.advance(0)
    this.store = await opened
  }

  /** Read everything, at once, and check that it is neither invented nor older than before. */
  check(): void {
    for (const each of this.store?.names ?? []) {
      const secret = this.store?.secret(each)
      const value = secret?.text() ?? ''
      const values = this.history.get(each) as string[]
      const place = values.indexOf(value, this.seen.get(each) ?? 0)
      if (place < 0) throw new Error(`read ${value} of ${values} after ${this.seen.get(each)}`)
      expect(secret?.version).toBe(Number(value.slice(1)))
      this.seen.set(each, place)
    }
  }

  async run(one: Step, watched: boolean): Promise<void> {
    const { source, clock, store } = this
    switch (one.do) {
      case 'rotate':
        this.rotate(one.name)
        if (one.told) source.watches.at(-1)?.change([one.name])
        break
      case 'back':
        this.back(one.name)
        if (one.told) source.watches.at(-1)?.change([one.name])
        break
      case 'slow':
        this.slow = true
        break
      case 'fail':
        source.failures.set(one.name, one.denies ? denied() : unreachable())
        break
      case 'mend':
        this.mend()
        break
      case 'delete':
        source.active.delete(one.name)
        break
      case 'pass':
        await clock.advance(one.ms)
        break
      case 'refresh':
        void store?.refresh().catch(() => {})
        break
      case 'lookup':
        void store?.lookup(one.name).catch(() => {})
        break
      case 'endWatch':
        source.watches.at(-1)?.end(one.failed ? unreachable() : undefined)
        break
      case 'restart':
        await store?.close()
        // Everything is cached, so it comes up whatever the source does; what it reads is what was read last.
        await this.open(watched)
    }
  }

  mend(): void {
    this.source.failures.clear()
    this.slow = false
    for (const each of NAMES) if (!this.source.active.has(each)) this.rotate(each)
  }
}

const runs = process.env['SECREG_SOAK'] === undefined ? 200 : 10_000

test('reads never wait, never invent, never go back, and converge within an interval', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      latencies,
      fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }),
      async (watched, latencies, steps) => {
        const world = new World(latencies)
        await world.open(watched)
        world.check()
        for (const one of steps) {
          await world.run(one, watched)
          world.check()
        }
        world.mend()
        // What was asked before it was healthy may still take its time.
        const lastMs = INTERVAL_MS + 2 * TIMEOUT_MS
        for (let passed = 0; passed < lastMs; passed += 500) {
          await world.clock.advance(500)
          world.check()
        }
        for (const each of world.store?.names ?? []) {
          const secret = world.store?.secret(each)
          expect(secret?.text()).toBe(world.source.active.get(each)?.value)
        }
        await world.store?.close()
        await world.clock.advance(5000)
        expect(world.clock.pending).toBe(0)
      },
    ),
    { numRuns: runs },
  )
}, 600_000)
