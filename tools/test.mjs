// npm test: sets up the clone, checks style, layers and types, runs the unit tests of all packages and the end-to-end
// tests, and ends with what failed, what was skipped and why, and one line: N passed, N failed, N skipped. A failed check
// counts as one failure.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin, ROOT, run, step } from './run.mjs'
import { build, install } from './setup.mjs'

const total = { passed: 0, failed: 0, skipped: 0, reasons: new Map(), failures: [] }
const scratch = mkdtempSync(join(tmpdir(), 'secreg-test-'))

const check = async (name, ok) => {
  if (await ok) return
  total.failed++
  total.failures.push({ where: name, messages: [] })
}

/** A named step of which the result counts. */
const checkStep = (name, ...args) => check(name, step(name, ...args))

async function vitest(name, args) {
  const file = join(scratch, `${name}.json`)
  const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'tools/count-reporter.mjs')}`]
  const env = { ...process.env, SECREG_COUNTS_FILE: file }
  const { ok } = await run(bin('vitest'), ['run', ...args, ...reporters], { env, show: true })
  const counts = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0, reasons: {}, failures: [] }
  total.passed += counts.passed
  // vitest can fail without a failed test: no test found, a crash, a stray error.
  if (!ok && counts.failed === 0) await check(`${name}: vitest itself`, false)
  total.failed += counts.failed
  total.skipped += counts.skipped
  total.failures.push(...counts.failures)
  for (const [reason, times] of Object.entries(counts.reasons)) {
    total.reasons.set(reason, (total.reasons.get(reason) ?? 0) + times)
  }
}

if (await install()) {
  const built = await build()
  await check('build', built)
  await checkStep('style', bin('biome'), ['ci', '--colors=off', '.'])
  await checkStep('layers', process.execPath, ['tools/check-boundaries.mjs'])
  await checkStep('types', bin('nx'), ['run-many', '-t', 'typecheck', '--outputStyle=static'])
  if (built) await checkStep('types of e2e', bin('tsc'), ['-p', 'e2e', '--noEmit'])
  await vitest('unit', ['--config', join(ROOT, 'vitest.config.ts')])
  const e2e = join(ROOT, 'e2e/vitest.config.ts')
  if (built && existsSync(e2e)) {
    await vitest('e2e', ['--root', join(ROOT, 'e2e'), '--config', e2e])
  }
} else {
  await check('npm ci', false)
}
rmSync(scratch, { recursive: true, force: true })

// Once more, where it is found: the end of a long output is what is read, and sometimes what is kept.
for (const { where, messages } of total.failures) {
  console.log(`failed: ${where}`)
  for (const message of messages) console.log(message.split('\n').slice(0, 40).join('\n').trimEnd())
}
for (const [reason, times] of total.reasons) console.log(`skipped ${times}: ${reason}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 ? 0 : 1
