// A vitest reporter that writes the counts of a run to the file named by SECREG_COUNTS_FILE, with what failed. The JSON
// reporter of vitest leaves out why a test was skipped.
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { ROOT } from './run.mjs'

const messagesOf = (errors) => (errors ?? []).map(({ name, message }) => message ?? name)

export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, reasons: {} }
    const failures = unhandledErrors.map((error) => ({
      where: 'outside of tests',
      messages: messagesOf([error]),
    }))
    for (const module of modules) {
      const file = relative(ROOT, module.moduleId)
      for (const part of [module, ...module.children.allSuites()]) {
        if (part.errors().length === 0) continue
        const where = part === module ? file : `${file} > ${part.fullName}`
        failures.push({ where, messages: messagesOf(part.errors()) })
      }
      let failedTests = 0
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') counts.passed++
        else if (result.state === 'failed') {
          failedTests++
          failures.push({
            where: `${file} > ${test.fullName}`,
            messages: messagesOf(result.errors),
          })
        } else {
          counts.skipped++
          const reason = result.note ?? 'no reason given'
          counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1
        }
      }
      // A file that cannot be loaded, or whose hooks fail, has no failed test of its own.
      counts.failed += module.state() === 'failed' ? Math.max(1, failedTests) : failedTests
    }
    writeFileSync(process.env.SECREG_COUNTS_FILE, JSON.stringify({ ...counts, failures }))
  }
}
