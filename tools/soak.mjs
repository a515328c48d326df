// `npm run soak`: the long form of the durability, model, nonce, session, connection and mutation tests, whose short form
// is part of `npm test`.
import { join } from 'node:path'
import { bin, ROOT, run } from './run.mjs'
import { setUp } from './setup.mjs'

const env = {
  ...process.env,
  SECREG_SOAK: '1',
  SECREG_SOAK_ROUNDS: process.env.SECREG_SOAK_ROUNDS ?? '200',
}
const E2E = join(ROOT, 'e2e')
const SUITES = [
  ['--root', ROOT, '--config', join(ROOT, 'vitest.config.ts'), '--testTimeout', '7200000'],
  [
    '--root',
    E2E,
    '--config',
    join(E2E, 'vitest.config.ts'),
    '--testTimeout',
    '7200000',
    'durability',
    'gateway/compromised',
    'gateway/fuzz',
    'gateway/many-connections',
    'subauth/many-connections',
  ],
]

await setUp()
let ok = true
for (const args of SUITES) {
  const result = await run(bin('vitest'), ['run', ...args], { env, show: true })
  ok &&= result.ok
}
process.exitCode = ok ? 0 : 1
