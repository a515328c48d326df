// `npm run soak`: the long form of the durability, model and nonce tests, whose short form is part of `npm test`.
import { run } from './run.mjs'
import { setUp } from './setup.mjs'

const env = {
  ...process.env,
  SECREG_SOAK: '1',
  SECREG_SOAK_ROUNDS: process.env.SECREG_SOAK_ROUNDS ?? '200',
}
const SUITES = [
  ['--root', '.', '--config', 'vitest.config.ts', '--testTimeout', '7200000'],
  ['--root', 'e2e', '--config', 'e2e/vitest.config.ts', '--testTimeout', '7200000', 'durability'],
]

await setUp()
let ok = true
for (const args of SUITES) {
  const result = await run('npx', ['vitest', 'run', ...args], { env, show: true })
  ok &&= result.ok
}
process.exitCode = ok ? 0 : 1
