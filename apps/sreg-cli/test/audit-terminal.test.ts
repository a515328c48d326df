/** The commands of the audit log as they are shipped: what they load, what they ask, how they end. */
import { readFileSync } from 'node:fs'
import { startNode, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Built, build, onTerminal } from './built.ts'
import { makeWorld } from './harness.ts'

let built: Built
beforeAll(() => {
  built = build()
})
afterAll(() => built.remove())

test('only what checks proofs and logs loads how that is done', () => {
  expect(built.startFiles()).toContain('FrameReader')
  expect(built.commandFiles()).toContain('src/commands/audit.ts')
  expect(built.startFiles()).not.toContain('packages/audit/')
  expect(built.commandFiles()).not.toContain('packages/audit/')
  const hot = readFileSync(built.hot, 'utf8')
  expect(hot).toContain('SECREG_TOKEN')
  for (const word of ['check-proof', 'rotate-key', 'tlog-proof']) expect(hot).not.toContain(word)
})

describe('audit rotate-key asks on a terminal', () => {
  const argv = ['audit', 'rotate-key']

  test('anything but yes changes nothing', async (context) => {
    const { registry, env } = await makeWorld()
    for (const answer of ['no\r', 'y\r', '\r']) {
      const refused = await onTerminal(context, [built.main, ...argv], env, [
        { expect: 'to go on: ', echo: true, send: answer },
      ])
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.screen).toContain('will be signed with a new key')
      expect(refused.screen).toContain('nothing was changed')
    }
    expect(registry.asked).toEqual([])
  })

  test('yes, and --yes without a question', async (context) => {
    const { registry, env } = await makeWorld()
    for (const [more, steps] of [
      [[], [{ expect: 'to go on: ', echo: true, send: 'yes\r' }]],
      [['--yes'], []],
    ] as const) {
      const line = [built.main, ...argv, ...more]
      expect(await onTerminal(context, line, env, steps)).toMatchObject({ code: 0 })
    }
    expect(registry.log.keys).toHaveLength(3)
  })
})

test('a follower that is ended by a signal ends the session of its token', async () => {
  const { registry, env } = await makeWorld({ login: false })
  registry.tokens.set('srt_ci', 'alice')
  registry.log.add()
  const child = startNode(built.main, ['audit', '--follow'], {
    env: { PATH: process.env['PATH'], ...env, SECREG_TOKEN: 'srt_ci' },
  })
  await waitFor(() => registry.log.waiting === 1)
  expect(registry.sessions.size).toBe(1)
  child.signal('SIGINT')
  expect(await child.exit).toMatchObject({ code: 0, signal: null })
  expect(child.stderr()).toBe('')
  expect(child.stdout()).toMatch(/ \/a1 +ok\n$/)
  await waitFor(() => registry.sessions.size === 0)
})
