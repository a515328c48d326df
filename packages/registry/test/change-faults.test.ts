/**
 * Whatever befalls a change over many rows, it is there wholly or not at all, whoever is answered is told the truth, one
 * record tells of it, and it can be made again (DESIGN §2). Durability class: synced.
 */
import { createMemoryFiles, type MemoryFiles } from '@secreg/audit/testing'
import { MemoryEngine } from '@secreg/storage'
import { type CommitFault, FaultEngine } from '@secreg/storage/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import type { PipelineStep } from '../src/writer.ts'
import { type CaseTime, CHANGES, type ChangeCase, stateOf } from './change-cases.ts'
import { type Home, linesOf, outcomeOf, restart, start } from './fixture.ts'

interface Place extends Home {
  readonly engine: FaultEngine
  readonly medium: MemoryEngine
  readonly time: CaseTime
  readonly faults: unknown[]
  /** Have the process die at a point of the `nth` commit from now. */
  armed: { point: Point; nth: number; death: 'killed' | 'without power' } | undefined
}

const STEPS: readonly PipelineStep[] = ['planned', 'gated', 'committed', 'logged', 'published']
const POINTS = ['before-sync', 'after-sync', ...STEPS] as const
type Point = (typeof POINTS)[number]

async function prepare(change: ChangeCase): Promise<Place> {
  const medium = new MemoryEngine()
  const files = createMemoryFiles()
  const time = { wall: 1_800_000_000_000, monotonic: 1000 }
  const faults: unknown[] = []
  let place: Place | undefined
  const reach = (point: Point): void => {
    const armed = place?.armed
    if (armed === undefined || armed.point !== point || --armed.nth > 0) return
    engine.crash()
    if (armed.death === 'killed') files.kill()
    else files.crash('lost')
  }
  const engine = new FaultEngine(medium, { onPoint: reach })
  const home = await start({
    engine,
    files,
    now: () => time.wall,
    monotonicMs: () => time.monotonic,
    onStep: reach,
    onFault: (fault) => faults.push(fault),
  })
  place = { ...home, engine, medium, time, faults, armed: undefined }
  await change.prepare(place)
  change.before?.(time)
  return place
}

/** The next process on what the medium has. */
async function next(place: Place): Promise<Place> {
  const { files, medium, time, faults } = place
  const engine = new FaultEngine(medium)
  const home = await restart({
    engine,
    files,
    now: () => time.wall,
    monotonicMs: () => time.monotonic,
    onFault: (fault) => faults.push(fault),
  })
  return { ...home, engine, medium, time, faults, armed: undefined }
}

async function reopen(place: Place): Promise<Place> {
  await place.registry.close()
  return next(place)
}

/**
 * What it looks like, across a restart: before it is made, once it is (also while it runs on, and where it is made after
 * a restart, which ends what is in memory only), and when it was made again.
 */
async function looksOf(change: ChangeCase) {
  const unmade = await prepare(change)
  const liveBefore = await stateOf(unmade)
  const late = await reopen(unmade)
  const before = await stateOf(late)
  await change.run(late)
  const afterRestart = await stateOf(await reopen(late))
  const once = await prepare(change)
  await change.run(once)
  const live = await stateOf(once)
  const again = await reopen(once)
  const after = await stateOf(again)
  const { reason } = (await outcomeOf(() => change.run(again))) as { reason?: string }
  expect(reason).toBe(change.again)
  const twice = await stateOf(await reopen(again))
  expect(after).not.toEqual(before)
  return { liveBefore, before, live, after, afterRestart, twice }
}

/** Records of the change that say that it was made. */
function records(files: MemoryFiles, { action }: ChangeCase): unknown[] {
  return linesOf(files).filter(
    ({ rev, body }) => rev !== undefined && body.action === action && body.outcome === 'ok',
  )
}

/** Have the next commit that changes an entry or a mount fail. */
function failChange(engine: FaultEngine, fault: CommitFault): void {
  const { commit } = engine
  engine.commit = (batch) => {
    if (batch.ops.some(({ key }) => /^[em]\//.test(key))) {
      engine.commit = commit
      engine.failCommit(1, fault)
    }
    return commit.call(engine, batch)
  }
}

async function sound({ engine, files }: Pick<Place, 'engine' | 'files'>): Promise<void> {
  expect((await engine.scrub()).findings).toEqual([])
  const sequences = linesOf(files).map(({ seq }) => seq)
  expect(sequences).toEqual(sequences.map((_, index) => index + 1))
}

describe.each(Object.entries(CHANGES))('%s', (_, change) => {
  let looks: Awaited<ReturnType<typeof looksOf>>
  beforeAll(async () => {
    looks = await looksOf(change)
  })

  test('death at any point of any of its commits: wholly before or wholly after, and made again', async () => {
    const { before, after, afterRestart, twice } = looks
    const ends = { before: 0, after: 0, answered: 0 }
    for (const death of ['killed', 'without power'] as const) {
      for (const point of POINTS) {
        for (let nth = 1, died = true; died; nth++) {
          const place = await prepare(change)
          const made = records(place.files, change).length
          place.armed = { point, nth, death }
          const answer = await change.run(place).catch(() => undefined)
          died = place.engine.state === 'closed'
          if (!died) {
            expect(nth).toBeGreaterThan(1)
            break
          }
          const again = await next(place)
          const state = await stateOf(again)
          const what = `${death} at ${point} of commit ${nth}`
          const isAfter = JSON.stringify(state) === JSON.stringify(after)
          if (!isAfter) expect(state, what).toEqual(before)
          if (answer !== undefined) expect(isAfter, what).toBe(true)
          if (nth > 1 && change.unasked !== true) expect(isAfter, what).toBe(true)
          ends[isAfter ? 'after' : 'before']++
          if (answer !== undefined) ends.answered++
          expect(records(place.files, change).length - made, what).toBe(isAfter ? 1 : 0)
          await sound(again)

          const { reason } = (await outcomeOf(() => change.run(again))) as { reason?: string }
          expect(reason, what).toBe(isAfter ? change.again : undefined)
          const last = await reopen(again)
          expect(await stateOf(last), what).toEqual(isAfter ? twice : afterRestart)
          await sound(last)
          await last.registry.close()
        }
      }
    }
    expect(ends.before).toBeGreaterThan(0)
    expect(ends.after).toBeGreaterThan(0)
  })

  const FAULTS: readonly CommitFault[] = (['ENOSPC', 'EIO'] as const).flatMap((errno) =>
    [false, true].flatMap((applied) =>
      [true, false].map((reopens) => ({ errno, applied, reopens })),
    ),
  )

  test.each(FAULTS)(
    '$errno, applied $applied, reopened at once $reopens: the truth is told',
    async (fault) => {
      const { liveBefore, live, after, twice } = looks
      const place = await prepare(change)
      const { engine, files, registry, admin } = place
      const made = records(files, change).length
      failChange(engine, fault)
      const { reason } = (await outcomeOf(() => change.run(place))) as { reason?: string }
      // Applied and opened again at once, the engine has found out itself that the batch is there.
      const isFailure = fault.applied !== true || fault.reopens === false
      const want = !isFailure
        ? undefined
        : fault.applied === true
          ? 'OUTCOME_UNKNOWN'
          : fault.errno === 'ENOSPC'
            ? 'STORAGE_FULL'
            : 'STORAGE_FAILED'
      expect(reason).toBe(want)
      if (fault.reopens === false) expect(registry.status(admin).store).toBe('failed')
      engine.heal()
      // The first that comes brings the store back.
      await outcomeOf(() => place.api.delete({ key: '/none' }))
      expect(await stateOf(place)).toEqual(fault.applied === true ? live : liveBefore)
      expect(records(files, change).length - made).toBe(fault.applied === true ? 1 : 0)
      const failed = linesOf(files).filter(
        ({ body }) => body.action === change.action && body.outcome === 'failed',
      )
      expect(failed.map(({ body }) => body.reason)).toEqual(want === undefined ? [] : [want])

      const again = (await outcomeOf(() => change.run(place))) as { reason?: string }
      if (fault.applied !== true) expect(again.reason).toBeUndefined()
      const last = await reopen(place)
      expect(await stateOf(last)).toEqual(fault.applied === true ? twice : after)
      await sound(last)
      await last.registry.close()
    },
  )
})
