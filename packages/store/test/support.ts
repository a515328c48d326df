import { SecregError } from '@secreg/protocol'
import type {
  SecretSource,
  SecretValue,
  SourceOptions,
  StoreClock,
  StoreFault,
} from '@secreg/store'

/** Let everything happen that needs no time. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A clock that stands still until a test lets it go on. */
export class FakeClock implements StoreClock {
  now = 1_700_000_000_000
  /** Every delay that was asked for, in order. */
  readonly delays: number[] = []
  readonly #timers = new Map<number, { readonly at: number; readonly callback: () => void }>()
  #count = 0

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size
  }

  nowMs(): number {
    return this.now
  }

  after(delayMs: number, callback: () => void): () => void {
    const id = ++this.#count
    this.delays.push(delayMs)
    this.#timers.set(id, { at: this.now + delayMs, callback })
    return () => this.#timers.delete(id)
  }

  /** Let time pass, with what happens in it. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      await settle()
      let next: [number, { readonly at: number; readonly callback: () => void }] | undefined
      for (const timer of this.#timers) {
        if (timer[1].at <= end && (next === undefined || timer[1].at < next[1].at)) next = timer
      }
      if (next === undefined) break
      this.#timers.delete(next[0])
      this.now = Math.max(this.now, next[1].at)
      next[1].callback()
    }
    this.now = end
    await settle()
  }
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (value: Uint8Array): string => new TextDecoder().decode(value)

interface Call {
  readonly method: 'get' | 'getIfChanged'
  readonly name: string
}

/** A source in memory that a test rotates, slows down and breaks. */
export class FakeSource implements SecretSource {
  readonly clock: FakeClock
  readonly active = new Map<string, { value: string; version: number }>()
  /** Failure of one name, or of all under `*`. */
  readonly failures = new Map<string, unknown>()
  readonly calls: Call[] = []
  /** Milliseconds before and after the moment of reading. */
  latency: readonly [number, number] = [0, 0]
  nextLatency = (): readonly [number, number] => this.latency
  inFlight = 0
  mostInFlight = 0
  /** Told of each answer that it gives, with the moment's value. */
  onRead: (name: string, value: string) => void = () => {}

  constructor(clock: FakeClock, secrets: Readonly<Record<string, string>> = {}) {
    this.clock = clock
    for (const [name, value] of Object.entries(secrets)) this.set(name, value)
  }

  set(name: string, value: string, version = (this.active.get(name)?.version ?? 0) + 1): void {
    this.active.set(name, { value, version })
  }

  called(name: string): number {
    return this.calls.filter((call) => call.name === name).length
  }

  async get(name: string, _: SourceOptions): Promise<SecretValue> {
    this.calls.push({ method: 'get', name })
    return this.#answer(name)
  }

  async getIfChanged(name: string, version: number, _: SourceOptions) {
    this.calls.push({ method: 'getIfChanged', name })
    const answer = await this.#answer(name)
    return answer.version === version ? undefined : answer
  }

  async #answer(name: string): Promise<SecretValue> {
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight)
    try {
      const [before, after] = this.nextLatency()
      if (before > 0) await new Promise<void>((done) => this.clock.after(before, done))
      const failure = this.failures.get(name) ?? this.failures.get('*')
      const held = this.active.get(name)
      const found = held === undefined ? undefined : { ...held }
      if (after > 0) await new Promise<void>((done) => this.clock.after(after, done))
      if (failure !== undefined) throw failure
      if (found === undefined) throw new SecregError('NOT_FOUND', 'no such secret')
      this.onRead(name, found.value)
      return { value: bytes(found.value), version: found.version }
    } finally {
      this.inFlight--
    }
  }
}

/** A source that tells of changes. */
export class WatchedSource extends FakeSource {
  readonly watches: {
    readonly names: readonly string[]
    readonly change: (names?: readonly string[]) => void
    readonly end: (error?: unknown) => void
    readonly signal: AbortSignal
  }[] = []

  /** The latest watch. */
  get watching() {
    const last = this.watches.at(-1)
    if (last === undefined) throw new Error('nobody watches')
    return last
  }

  watch(
    names: readonly string[],
    onChange: (names?: readonly string[]) => void,
    { signal }: SourceOptions,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error?: unknown): void => (error === undefined ? resolve() : reject(error))
      signal.addEventListener('abort', () => reject(signal.reason))
      this.watches.push({ names, change: onChange, end, signal })
      onChange()
    })
  }
}

/** Faults that a store reports. */
export function faultLog(): { readonly faults: StoreFault[]; onError(fault: StoreFault): void } {
  const faults: StoreFault[] = []
  return { faults, onError: (fault) => void faults.push(fault) }
}

export const denied = (): SecregError => new SecregError('ACCESS_DENIED', 'no')
export const unreachable = (): SecregError => new SecregError('UNREACHABLE', 'nobody listens')
