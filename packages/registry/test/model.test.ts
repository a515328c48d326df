/**
 * The registry against a simple model of it (DESIGN §4): random operations of several callers, with restarts, deaths,
 * failing writes and the time in the test's hands. A failing sequence is printed as data for {@link REGRESSIONS}.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EngineName } from './model-bench.ts'
import { runSequence } from './model-runner.ts'
import { sequences } from './model-sequences.ts'
import type { Step } from './model-steps.ts'

const STEPS = 100
const IS_SOAK = process.env['SECREG_SOAK'] === '1'
/** Sequences on each engine; those on LevelDB cost their syncs. */
const RUNS = IS_SOAK ? { memory: 2000, level: 500 } : { memory: 40, level: 10 }

/** Sequences in which they differed once. */
const REGRESSIONS: readonly (readonly [
  fault: string,
  engine: EngineName,
  steps: readonly Step[],
])[] = [
  [
    'undelete left a version expired that the sweeper had not met yet',
    'memory',
    [
      { op: 'set', who: 'root', key: '/app/a', value: 'a' },
      { op: 'describe', who: 'root', key: '/app/a', delete_after_s: 10 },
      { op: 'set', who: 'root', key: '/app/a', value: 'b' },
      { op: 'advance', by: 'both', s: 10 },
      { op: 'undelete', who: 'root', key: '/app/a' },
      { op: 'get', who: 'root', key: '/app/a' },
    ],
  ],
  [
    'undelete of a version brought back its entry too',
    'memory',
    [
      { op: 'set', who: 'root', key: '/app/a', value: 'a' },
      { op: 'describe', who: 'root', key: '/app/a', delete_after_s: 10 },
      { op: 'set', who: 'root', key: '/app/a', value: 'b' },
      { op: 'delete', who: 'root', key: '/app/a' },
      { op: 'advance', by: 'both', s: 10 },
      { op: 'sweep' },
      { op: 'undelete', who: 'root', key: '/app/a', version: 0 },
      { op: 'get', who: 'root', key: '/app/a' },
    ],
  ],
  [
    'what had expired before a move was recorded to expire again',
    'memory',
    [
      { op: 'set', who: 'root', key: '/app/a', value: 'a' },
      { op: 'describe', who: 'root', key: '/app/a', delete_after_s: 10 },
      { op: 'set', who: 'root', key: '/app/a', value: 'b' },
      { op: 'advance', by: 'both', s: 10 },
      { op: 'sweep' },
      { op: 'activate', who: 'root', key: '/app/a', version: 1 },
      { op: 'move', who: 'root', from: '/app/a', to: '/app-2' },
      { op: 'sweep' },
    ],
  ],
  [
    'an older version was told to expire when the active one does',
    'memory',
    [
      { op: 'set', who: 'root', key: '/app/a', value: 'a' },
      { op: 'describe', who: 'root', key: '/app/a', delete_after_s: 60 },
      { op: 'set', who: 'root', key: '/app/a', value: 'b' },
      { op: 'get', who: 'root', key: '/app/a', version: 1, detail: true },
    ],
  ],
  [
    'in a leap of the clock the sweeper forgot a version of an entry that expired for readers',
    'memory',
    [
      { op: 'set', who: 'root', key: '/app/a', value: 'a', ttl_s: 60 },
      { op: 'describe', who: 'root', key: '/app/a', delete_after_s: 10 },
      { op: 'rollback', who: 'root', key: '/app/a', version: 0 },
      { op: 'advance', by: 'both', s: 10 },
      { op: 'advance', by: 'wall', s: 4000 },
      { op: 'sweep' },
    ],
  ],
  [
    'when an entry became ephemeral with the same expiry, that was still on disk without it',
    'memory',
    [
      { op: 'set', who: 'root', key: '/app/a', value: 'a', ttl_s: 60 },
      { op: 'set', who: 'root', key: '/app/a', value: 'b', ttl_s: 60, ephemeral: true },
      { op: 'reopen' },
    ],
  ],
  [
    'a private value that had not changed was told of to who may not have it',
    'level',
    [
      { op: 'set', who: 'root', key: '/user/bob', value: 'a', private: true },
      { op: 'get', who: 'eve', key: '/user/bob', if_changed: 0 },
    ],
  ],
]

test.each(REGRESSIONS)('fault: %s (%s)', async (_, engine, steps) => {
  await runSequence(engine, steps)
})

test.each(['memory', 'level'] as const)(
  'several callers see what the model sees, whatever happens (%s)',
  async (engine) => {
    const details = await fc.check(
      fc.asyncProperty(sequences(STEPS), (steps) => runSequence(engine, steps)),
      { numRuns: RUNS[engine], ...replay() },
    )
    if (!details.failed) return
    const { counterexample, counterexamplePath: path, seed, errorInstance } = details
    const data = JSON.stringify(counterexample?.[0])
    expect.fail(
      `${(errorInstance as Error).message}\nin ${counterexample?.[0].length} steps, to be put among REGRESSIONS:\n` +
        `  ['…', '${engine}', ${data}],\nor replayed with SECREG_MODEL='${JSON.stringify({ seed, path })}'`,
    )
  },
  IS_SOAK ? 7_200_000 : 600_000,
)

/** Parameters of a failure that was printed, or a number of runs. */
function replay(): { readonly seed?: number; readonly path?: string; readonly numRuns?: number } {
  return JSON.parse(process.env['SECREG_MODEL'] ?? '{}') as ReturnType<typeof replay>
}
