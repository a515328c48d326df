// `npm run bench [suite…]`: figures as ratios to their floors in one run (the budgets of the design), after checking equal answers.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { print } from './bench/report.mjs'
import { ROOT } from './run.mjs'
import { setUp } from './setup.mjs'

const SUITES = {
  reads: async (directory) => (await import('./bench/reads.mjs')).benchReads(ROOT, directory),
  writes: async (directory) => (await import('./bench/writes.mjs')).benchWrites(ROOT, directory),
  http: async (directory) => (await import('./bench/http.mjs')).benchHttp(ROOT, directory),
  list: async (directory) => (await import('./bench/listing.mjs')).benchListing(ROOT, directory),
  operations: async (directory) =>
    (await import('./bench/operations.mjs')).benchOperations(ROOT, directory),
  million: async (directory) => (await import('./bench/million.mjs')).benchMillion(ROOT, directory),
  rotation: async (directory) =>
    (await import('./bench/rotation.mjs')).benchRotation(ROOT, directory),
  audit: async (directory) => (await import('./bench/audit.mjs')).benchAudit(ROOT, directory),
  policy: async () => (await import('./bench/policy.mjs')).benchPolicy(ROOT),
  login: async (directory) => (await import('./bench/login.mjs')).benchLogin(ROOT, directory),
  subauth: async (directory) => (await import('./bench/subauth.mjs')).benchSubauth(ROOT, directory),
  secrets: async (directory) => (await import('./bench/secrets.mjs')).benchSecrets(ROOT, directory),
  libvirt: async (directory) => (await import('./bench/libvirt.mjs')).benchLibvirt(ROOT, directory),
  command: async (directory) => (await import('./bench/command.mjs')).benchCommand(ROOT, directory),
}

const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => !(name in SUITES))
if (unknown !== undefined) {
  console.error(`bench: no suite "${unknown}"; there are ${Object.keys(SUITES).join(', ')}`)
  process.exit(1)
}
await setUp()
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
