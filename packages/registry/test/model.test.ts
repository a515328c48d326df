/**
 * The registry against a simple model of it (DESIGN §4): random operations of several callers, with restarts, deaths,
 * failing writes and the time in the test's hands. A failing sequence is printed as data for {@link REGRESSIONS}.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EngineName } from './model-bench.ts'
import { runSequence } from './model-runner.ts'
import { type Step, sequences } from './model-steps.ts'

const STEPS = 100
const IS_SOAK = process.env['SECREG_SOAK'] === '1'
/** Sequences on each engine: with memory they are cheap. */
const RUNS = IS_SOAK ? { memory: 1000, level: 300 } : { memory: 20, level: 6 }

/** Sequences in which they differed once. */
const REGRESSIONS: readonly (readonly [
  fault: string,
  engine: EngineName,
  steps: readonly Step[],
])[] = []

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
