/** What the registry does by itself now and then: free the outbox, mend the store, sweep, trim and scrub. */
import { SecregError } from '@secreg/protocol'
import type { ScrubFinding } from '@secreg/storage'
import type { Core } from './core.ts'
import type { Identity } from './identity.ts'
import { Rotation } from './rotation/rotation.ts'
import { Scrubber } from './scrubber.ts'
import { Sweeper } from './sweeper.ts'
import { Retention } from './watch/retention.ts'

/** Default of {@link HousekeepingOptions.scrub}: five minutes after the start, then daily. */
const SCRUB = Object.freeze({ firstAfterMs: 300_000, everyMs: 86_400_000 })

/** Rows of a store that are read through in a moment. */
const SCRUBBED_AT_ONCE = 100_000

/** What the registry does when it is told to. */
export interface Housekept {
  sweep(): Promise<void>
  /** Somebody else has changed the store. */
  lockDown(detail: string): Promise<void>
}

export interface HousekeepingOptions {
  readonly housekeepingMs?: number
  readonly scrub?: { readonly firstAfterMs: number; readonly everyMs: number }
  readonly monotonicMs?: () => number
  readonly onFault?: (fault: unknown) => void
  /** Keeps the audit log; called while it is unsealed. */
  readonly keepLog?: () => Promise<void>
}

export class Housekeeping {
  readonly #core: Core
  readonly #identity: Identity
  readonly #options: HousekeepingOptions
  readonly #scrubber: Scrubber
  readonly rotation: Rotation
  readonly #retention: Retention
  readonly #sweeper: Sweeper
  #timer: NodeJS.Timeout | undefined
  #busy = false
  #unsealings = 0
  #lockDown: Housekept['lockDown'] | undefined

  constructor(core: Core, identity: Identity, options: HousekeepingOptions) {
    this.#core = core
    this.#identity = identity
    this.#options = options
    this.#sweeper = new Sweeper(core)
    this.rotation = new Rotation(core, options.onFault)
    const monotonicMs = options.monotonicMs ?? (() => performance.now())
    this.#retention = new Retention({
      engine: core.engine,
      // A leap ahead that has not lasted drops nothing, nor does one back.
      now: () => Math.min(core.now(), core.clock.believed()),
      monotonicMs,
      changeCount: () => core.writer.changeCount,
    })
    this.#scrubber = new Scrubber({
      engine: core.engine,
      monotonicMs,
      mayRun: () => this.#isUnsealed,
      ...(options.scrub ?? SCRUB),
      onFault: options.onFault,
      onFindings: (findings) => this.#found(findings),
    })
  }

  #found([first, ...more]: readonly ScrubFinding[]): void {
    if (first === undefined) return
    const text = `${first.kind} ${first.subject}, ${first.detail}; ${more.length} more`
    this.#options.onFault?.(new SecregError('STORAGE_CORRUPT', `the store is damaged: ${text}`))
    const stale = [first, ...more].find(({ kind }) => kind === 'stale')
    if (stale === undefined || this.#core.settings.lockOnTampering === false) return
    const { subject, detail } = stale
    const what = subject === '' ? detail : `${subject} ${detail}`
    this.#lockDown?.(`the store was changed by somebody else: ${what}`).catch((fault: unknown) =>
      this.#options.onFault?.(fault),
    )
  }

  /** Places of the store that the last scrub found damaged. */
  get damage(): number {
    return this.#scrubber.findings.length
  }

  /** When the last whole scrub ended, monotonic milliseconds. */
  get scrubbedMs(): number | undefined {
    return this.#scrubber.finishedMs
  }

  start(registry: Housekept): void {
    this.#lockDown = (detail) => registry.lockDown(detail)
    this.#timer = setInterval(() => {
      if (this.#busy) return
      this.#busy = true
      this.work(registry)
        .catch((fault: unknown) => this.#options.onFault?.(fault))
        .finally(() => {
          this.#busy = false
        })
    }, this.#options.housekeepingMs ?? 1000)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#scrubber.close()
    await this.#core.eraser.close()
    await this.rotation.close()
    // A store that cannot be written keeps the mark that it has.
    if (this.#isUnsealed) await this.#sweeper.mark().catch(() => {})
  }

  get #isUnsealed(): boolean {
    return this.#core.keys.state === 'unsealed'
  }

  /** One round of it all. */
  async work(registry: Pick<Housekept, 'sweep'>): Promise<void> {
    const { journal, writer } = this.#core
    this.#identity.sessions.sweep()
    await registry.sweep()
    // Reads alone never bring a store back that could not be opened again after a failed write.
    if ((this.#isUnsealed && journal.isFreeingDue) || writer.needsMending) await writer.free()
    if (this.#isUnsealed) await this.#retention.tick()
    if (this.#isUnsealed) await this.#sweeper.sweep()
    this.#core.eraser.tick()
    if (this.#isUnsealed) this.rotation.tick()
    if (this.#isUnsealed) await this.#options.keepLog?.()
    this.#scrubSoon()
    this.#scrubber.tick()
  }

  /** A store that is read through in a moment is so as soon as its keys are known. */
  #scrubSoon(): void {
    const { unsealings } = this.#core.keys
    if (unsealings === this.#unsealings || this.#options.scrub !== undefined) return
    this.#unsealings = unsealings
    if (this.#core.engine.stats().rows <= SCRUBBED_AT_ONCE) this.#scrubber.hasten()
  }
}
