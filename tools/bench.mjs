// `npm run bench`: every figure as a ratio to its floor in the same run (DESIGN §10), after checking equal answers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { print } from './bench/report.mjs'
import { ROOT } from './run.mjs'
import { setUp } from './setup.mjs'

if (process.env.SECREG_BENCH_BUILT !== '1') await setUp()

const wanted = process.argv.slice(2)
const SUITES = {
  reads: async (directory) =>
    (await import('./bench/socket.mjs')).benchSocketReads(ROOT, directory),
}

for (const [name, suite] of Object.entries(SUITES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const directory = mkdtempSync(join(tmpdir(), 'secreg-bench-'))
  try {
    await suite(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
print()
