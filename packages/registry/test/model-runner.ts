/** Runs one sequence on a registry and on the model, and compares them after every step. */
import { isDeepStrictEqual } from 'node:util'
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import type { MountInfo, RegistryApi } from '@secreg/protocol'
import { loginTestUser } from '@secreg/registry/testing'
import type { FaultEngine, FaultPoint } from '@secreg/storage/testing'
import { ExpiryClock } from '../src/expiry-clock.ts'
import { ERASURE_SPACE, TIME_KEY } from '../src/keys.ts'
import { parseMark } from '../src/sweeper.ts'
import { addUser, type Home, type Line, outcomeOf, PASSWORD, restart, start } from './fixture.ts'
import { type Call, Model, type ModelClock, type ModelRecord, type Outcome } from './model.ts'
import { type Bench, createBench, type EngineName } from './model-bench.ts'
import {
  differenceOf,
  failureOf,
  isInjected,
  isOfCaller,
  pathsIn,
  pathsOf,
  plain,
  revisionOf,
  same,
  sorted,
} from './model-compare.ts'
import { ModelLog, recordOf } from './model-log.ts'
import { CALLERS, ROLE_OF, type Who } from './model-policy.ts'
import {
  type CallerStep,
  callOf,
  type Death,
  isWorldStep,
  type Step,
  type WorldStep,
} from './model-steps.ts'
import { expectExact, expectSameAnew } from './usage-recount.ts'

const BEGIN_MS = 1_800_000_000_000
/** After so long a leap of the wall clock is believed. */
const BELIEF_S = 700

/**
 * Run a sequence to its end.
 *
 * @throws Error that names the step where registry and model differ, and how
 */
export async function runSequence(engine: EngineName, steps: readonly Step[]): Promise<void> {
  const bench = createBench(engine)
  const run = new SequenceRun(bench)
  let at = 0
  try {
    await run.begin()
    for (const step of steps) {
      await run.step(step)
      at++
    }
    await run.end()
  } catch (cause) {
    const where = at < steps.length ? `step ${at}, ${JSON.stringify(steps[at])}` : 'the end'
    throw new Error(`at ${where}: ${(cause as Error).message}`, { cause })
  } finally {
    await run.close()
    await bench.dispose()
  }
}

class SequenceRun {
  readonly #bench: Bench
  readonly #files: MemoryFiles = createMemoryFiles()
  readonly #time = { wall: BEGIN_MS, monotonic: 1000 }
  readonly #apis = new Map<Who, RegistryApi>()
  readonly #faults: unknown[] = []
  #kill: { readonly at: FaultPoint; readonly death: Death } | undefined
  #hasLostPower = false
  /** Another process than the one that the model knows. */
  #isNew = false
  #engine!: FaultEngine
  #home!: Home
  #log!: ModelLog
  #expiry!: ExpiryClock
  /** With quotas that nobody reaches, so that all is counted. */
  #mounts!: readonly MountInfo[]
  #model!: Model

  constructor(bench: Bench) {
    this.#bench = bench
  }

  async begin(): Promise<void> {
    this.#home = await start(await this.#options())
    for (const path of ['/', '/app', '/user']) {
      const rules = { dialect: 'registry', max_entries: 1_000_000, max_bytes: 1_000_000_000 }
      this.#mounts = (await this.#home.api.mount({ op: 'set', path, ...rules })).mounts
    }
    this.#apis.set('root', this.#home.api)
    for (const [who, role] of Object.entries(ROLE_OF)) {
      this.#apis.set(who as Who, (await addUser(this.#home, who, [role])).api)
    }
    this.#model = new Model(this.#clock())
    this.#log = new ModelLog(this.#files)
  }

  async step(step: Step): Promise<void> {
    if (isWorldStep(step)) await this.#worldStep(step)
    else if (step.op === 'together') await this.#togetherStep(step.steps)
    else await this.#callStep(callOf(step, this.#model))
    if (this.#engine.state === 'failed') {
      await this.#heal()
      this.#log.skip()
    }
    if (this.#engine.state === 'open') await expectExact(this.#engine, this.#mounts)
  }

  /** Let everything come to rest, and compare all that can be seen. */
  async end(): Promise<void> {
    this.#kill = undefined
    this.#bench.disarm()
    for (const s of [0, BELIEF_S, 0]) {
      this.#pass(s)
      await this.#sweep()
    }
    await this.#goOn(this.#model)
    const { entries } = this.#home.registry.status(this.#home.admin)
    same('status().entries', entries, this.#model.entries)
    same('findings of a scrub', (await this.#engine.scrub()).findings, [])
    for await (const { key } of this.#engine.iterate(ERASURE_SPACE)) {
      throw new Error(`${key} was never erased`)
    }
    await expectExact(this.#engine, this.#mounts)
    await expectSameAnew(this.#home.api)
    same('faults', this.#faults, [])
  }

  async close(): Promise<void> {
    await this.#home?.registry.close().catch(() => {})
  }

  async #callStep(call: Call): Promise<void> {
    const { head } = this.#engine
    const actual = await this.#ask(call)
    if (this.#engine.state === 'closed') return this.#afterDeath(call, actual, head)
    const lines = this.#log.take()
    const failure = failureOf(actual)
    if (failure !== undefined) return this.#afterFailure(call, failure, head, lines)
    const ran = this.#model.run(call, { head, learned: await this.#learn() })
    this.#model = ran.next
    same(`answer to ${JSON.stringify(call)}`, plain(actual), plain(ran.outcome))
    same('records', lines.map(recordOf), ran.record === undefined ? [] : [ran.record])
  }

  /** The process has died while it worked on a request: all of it has happened, with its record, or nothing. */
  async #afterDeath(call: Call, actual: Outcome, head: number): Promise<void> {
    const lines = this.#hasLostPower ? [] : this.#log.take()
    await this.#revive()
    const more = [...lines, ...this.#log.afterDeath(this.#hasLostPower)]
    const ran = this.#model.run(call, { head, learned: await this.#learn() })
    const records = more.filter(({ rev }) => rev === head + 1).filter(isOfCaller)
    const happened = records.length > 0
    if ('answer' in actual && ran.changes && !happened) throw new Error('an answer was not kept')
    // Of what was in memory only, nothing is left to tell which of the unknown numbers it had.
    const isKnown = this.#model.floating.length === 0
    const known = (record: ModelRecord | undefined): unknown =>
      isKnown ? record : { ...record, versions: undefined }
    same(
      'records',
      records.map((line) => known(recordOf(line))),
      happened ? [known(ran.record)] : [],
    )
    await this.#goOn(happened ? ran.next : this.#model)
  }

  /** The store has failed while it wrote: nothing has happened, or nobody knows. */
  async #afterFailure(call: Call, reason: string, head: number, lines: Line[]): Promise<void> {
    await this.#heal()
    const more = this.#log.take().filter(({ rev }) => rev === head + 1)
    const happened = more.length > 0
    const failed = this.#model.failed(call, { head, learned: new Map() }, reason)
    const ran = this.#model.run(call, { head, learned: await this.#learn() })
    if (!ran.changes) throw new Error(`${reason}, where nothing is to be written`)
    if (happened && reason !== 'OUTCOME_UNKNOWN') throw new Error(`${reason}, and it happened`)
    const wanted = happened ? [failed, ran.record] : [failed]
    same('records', [...lines, ...more].map(recordOf), wanted)
    await this.#goOn(happened ? ran.next : this.#model)
  }

  /** Requests that are under way at once: each has its effect in turn, or none where its commit failed. */
  async #togetherStep(steps: readonly CallerStep[]): Promise<void> {
    if (this.#model.floating.length > 0) {
      for (const step of steps) await this.step(step)
      return
    }
    this.#kill = undefined
    const calls = steps.map((step) => callOf(step, this.#model))
    const outcomes = await Promise.all(calls.map((call) => this.#ask(call)))
    const lines = this.#log.take()
    const isTroubled = outcomes.some(failureOf)
    if (isTroubled) await this.#heal()
    lines.push(...this.#log.take().filter(({ rev }) => rev !== undefined))
    // What an answer tells of is not also what became of a request without one.
    const told = outcomes.map((each) => ('answer' in each ? revisionOf(each.answer) : undefined))
    const untold = lines.filter(
      ({ rev, body }) =>
        rev !== undefined &&
        !calls.some((call, at) => {
          const { record } = this.#model.run(call, { head: this.#engine.head, learned: new Map() })
          return told[at] === rev && isDeepStrictEqual(record?.paths, body.paths)
        }),
    )
    const wanted = calls.flatMap((call, at) => this.#oneOf(call, outcomes[at] as Outcome, untold))
    same('records', sorted(lines.map(recordOf)), sorted(wanted))
    if (isTroubled) await this.#goOn(this.#model)
  }

  /** One of several requests, after those before it. @returns its records */
  #oneOf(call: Call, actual: Outcome, lines: readonly Line[]): ModelRecord[] {
    const run = (head: number) => this.#model.run(call, { head, learned: new Map() })
    const { changes, record } = run(this.#engine.head)
    const failure = failureOf(actual)
    const failed =
      failure === undefined
        ? undefined
        : this.#model.failed(call, { head: this.#engine.head, learned: new Map() }, failure)
    let revision = this.#engine.head
    if (failure !== undefined) {
      const logged = lines.find((line) => isDeepStrictEqual(recordOf(line), record))
      if (logged === undefined || failure !== 'OUTCOME_UNKNOWN')
        return failed === undefined ? [] : [failed]
      revision = logged.rev ?? 0
    } else if ('answer' in actual) revision = revisionOf(actual.answer)
    const ran = run(changes ? revision - 1 : revision)
    if (failure === undefined)
      same(`answer to ${JSON.stringify(call)}`, plain(actual), plain(ran.outcome))
    this.#model = ran.next
    return [failed, ran.record].filter((each) => each !== undefined)
  }

  async #worldStep(step: WorldStep): Promise<void> {
    switch (step.op) {
      case 'advance':
        this.#pass(step.s, step.by === 'both')
        return
      case 'fault':
        this.#bench.arm(step)
        return
      case 'sweep':
        return this.#sweep()
      case 'kill':
        if (step.at !== 'now') this.#kill = { at: step.at, death: step.death }
        else {
          this.#log.take()
          this.#die(step.death)
          await this.#revive()
          this.#log.afterDeath(this.#hasLostPower)
          await this.#goOn(this.#model)
        }
        return
      case 'reopen':
        return this.#reopen()
    }
  }

  async #reopen(): Promise<void> {
    this.#kill = undefined
    this.#bench.disarm()
    const { expires } = this.#model
    const believed = this.#expiry.believed()
    await this.#home.registry.close()
    await this.#bench.closed()
    await this.#open()
    if (expires) same('the mark of the clock', this.#highWaterMs, believed)
    await this.#goOn(this.#model)
  }

  async #sweep(): Promise<void> {
    const before = this.#model
    const believed = this.#expiry.believed()
    const failure = await this.#home.registry.housekeep().catch((error: unknown) => error)
    if (failure === undefined && this.#engine.state === 'open') {
      const lines = this.#log.take()
      const swept = before.swept(believed, lines.at(-1)?.rev ?? 0)
      same('paths that expired', lines.map(pathsOf), swept === undefined ? [] : [pathsIn(swept)])
      this.#model = swept?.next ?? before
      return
    }
    const isDead = this.#engine.state === 'closed'
    if (isDead) await this.#revive()
    else await this.#heal()
    const lines = isDead ? this.#log.afterDeath(this.#hasLostPower) : this.#log.take()
    const expired = lines.filter(({ body, rev }) => body.action === 'expire' && rev !== undefined)
    const swept = expired[0] && before.swept(believed, expired[0].rev ?? 0)
    same('paths that expired', expired.map(pathsOf), swept === undefined ? [] : [pathsIn(swept)])
    await this.#goOn(swept?.next ?? before)
  }

  /** Ask one request, as its caller. */
  async #ask({ op, who, request }: Call): Promise<Outcome> {
    const api = this.#apis.get(who) as RegistryApi
    return (await outcomeOf(async () => {
      if (op !== 'import') return api[op](request as never)
      const { import: id = '' } = await api.import({ op: 'begin', force: request.force })
      await api.import({ op: 'stage', import: id, entries: [...request.entries] as never })
      return api.import({ op: 'commit', import: id })
    })) as Outcome
  }

  /** Latest numbers of paths of which the model knows only that they are higher than before. */
  async #learn(): Promise<ReadonlyMap<string, number>> {
    const learned = new Map<string, number>()
    for (const key of this.#model.floating) {
      const told = await this.#ask({ op: 'history', who: 'root', request: { key, limit: 1 } })
      if ('answer' in told) learned.set(key, (told.answer as { latest: number }).latest)
    }
    this.#log.skip()
    return learned
  }

  /** Everything that the administrator can see. */
  async #look(): Promise<[Call, Outcome][]> {
    const calls: Call[] = [
      { op: 'list', who: 'root', request: { prefix: '/', recursive: true, detail: true } },
    ]
    for (const key of this.#model.places.keys()) {
      calls.push(
        { op: 'history', who: 'root', request: { key, limit: 1000 } },
        { op: 'meta', who: 'root', request: { op: 'get', key } },
        { op: 'get', who: 'root', request: { key, decrypt: true } },
      )
    }
    const seen: [Call, Outcome][] = []
    for (const call of calls) seen.push([call, await this.#ask(call)])
    this.#log.skip()
    return seen
  }

  #differenceFrom(model: Model, seen: readonly [Call, Outcome][]): string | undefined {
    for (const [call, outcome] of seen) {
      const { outcome: wanted } = model.run(call, { head: this.#engine.head, learned: new Map() })
      const difference = differenceOf(JSON.stringify(call), plain(outcome), plain(wanted))
      if (difference !== undefined) return difference
    }
    return undefined
  }

  /** Go on with a state, which must be what is seen. */
  async #goOn(model: Model): Promise<void> {
    this.#model = this.#isNew ? model.restarted(this.#clock()) : model
    this.#isNew = false
    const difference = this.#differenceFrom(this.#model, await this.#look())
    if (difference !== undefined) throw new Error(difference)
  }

  /** Have the store work again after a failed write: the next operation of the writer opens it. */
  async #heal(): Promise<void> {
    this.#bench.disarm()
    this.#engine.heal()
    await this.#home.api.txn({})
    if (this.#engine.state !== 'open') throw new Error('the store does not come back')
  }

  #pass(s: number, both = true): void {
    this.#time.wall += 1000 * s
    if (both) this.#time.monotonic += 1000 * s
  }

  #die(death: Death): void {
    this.#kill = undefined
    this.#hasLostPower = death !== 'written'
    this.#engine.crash()
    // The same at every run of a sequence.
    let chance = 0
    if (death === 'written') this.#files.kill()
    else this.#files.crash(death, () => (chance = (chance + 0.37) % 1))
  }

  /** Start again after a death. */
  async #revive(): Promise<void> {
    this.#bench.die()
    await this.#home.registry.close().catch(() => {})
    await this.#bench.closed()
    await this.#open()
  }

  async #open(): Promise<void> {
    this.#isNew = true
    this.#home = await restart(await this.#options())
    this.#apis.set('root', this.#home.api)
    for (const who of CALLERS) {
      if (who === 'root') continue
      const caller = await loginTestUser(this.#home, who, PASSWORD)
      this.#apis.set(who, this.#home.registry.as(caller))
    }
  }

  async #options() {
    this.#engine = await this.#bench.open({
      onPoint: (point) => {
        if (this.#kill?.at === point) this.#die(this.#kill.death)
      },
    })
    return {
      engine: this.#engine,
      files: this.#files,
      now: () => this.#time.wall,
      monotonicMs: () => this.#time.monotonic,
      onFault: (fault: unknown) => {
        if (!isInjected(fault)) this.#faults.push(fault)
      },
    }
  }

  get #highWaterMs(): number | undefined {
    const row = this.#engine.get(TIME_KEY)
    if (row instanceof Promise) throw new TypeError('these engines read at once')
    return row === undefined ? undefined : parseMark(row.value)
  }

  /** The clocks of the process that was just started. */
  #clock(): ModelClock {
    const highWaterMs = this.#highWaterMs
    const expiry = new ExpiryClock({
      wallMs: () => this.#time.wall,
      monotonicMs: () => this.#time.monotonic,
      ...(highWaterMs === undefined ? {} : { highWaterMs }),
    })
    this.#expiry = expiry
    return { wall: () => this.#time.wall, now: () => expiry.now() }
  }
}
