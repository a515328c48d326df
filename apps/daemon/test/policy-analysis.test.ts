import { existsSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { createTempHome } from '@secreg/testkit'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { createPolicyAnalysis } from '../src/policy-analysis.ts'

const home = createTempHome()
afterAll(() => home[Symbol.dispose]())

const reason = (word: string): unknown => expect.objectContaining({ reason: word })

function program(text: string) {
  const file = home.file(`${text.length}.mjs`)
  writeFileSync(file, `import { parentPort } from 'node:worker_threads'\n${text}`)
  return file
}

test('a question that takes too long is given up, and the next one is heard', async () => {
  const begun = home.file('begun')
  const text = `import { writeFileSync } from 'node:fs'
    parentPort.on('message', ({ name }) => {
      if (name === 'lint') writeFileSync(${JSON.stringify(begun)}, '')
      while (name === 'lint') {}
      parentPort.postMessage({ changes: [], complete: true })
    })`
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const analysis = createPolicyAnalysis({ program: program(text), timeoutMs: 30_000 })
  const refused = expect(analysis.lint([])).rejects.toEqual(reason('LIMIT_EXCEEDED'))
  while (!existsSync(begun)) await setImmediate()
  vi.advanceTimersByTime(30_000)
  await refused
  vi.useRealTimers()
  expect(await analysis.diff([], [])).toEqual({ changes: [], complete: true })
})

test('one question at a time', async () => {
  const text = `parentPort.on('message', () => parentPort.postMessage([]))`
  const analysis = createPolicyAnalysis({ program: program(text) })
  const first = analysis.lint([])
  await expect(analysis.lint([])).rejects.toEqual(reason('BUSY'))
  expect(await first).toEqual([])
  expect(await analysis.lint([])).toEqual([])
})

test.each([
  ['dies', `parentPort.on('message', () => { throw new Error('secret words') })`],
  ['goes', `parentPort.on('message', () => process.exit(0))`],
  [
    'needs too much memory',
    `const all = []; parentPort.on('message', () => { for (;;) all.push(new Array(1000).fill({ a: all.length })) })`,
  ],
])('a thread that %s is a question given up', async (_, text) => {
  const analysis = createPolicyAnalysis({ program: program(text), timeoutMs: 20_000 })
  const refused = await analysis.lint([]).catch((error: Error) => error)
  expect(refused).toEqual(reason('LIMIT_EXCEEDED'))
  expect(String(refused)).not.toContain('secret words')
})

test('from source, without a program beside it, it is done here', async () => {
  expect(await createPolicyAnalysis().lint([])).toEqual([])
})
