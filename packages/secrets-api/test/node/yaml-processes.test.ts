import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { parseSecretUri, readSecret, writeSecret } from '@secreg/secrets-api'
import { YamlProvider } from '@secreg/secrets-api/node'
import { type Child, createTempHome, startChild, type TempHome, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readYaml } from '../../src/node/yaml-text.ts'
import { AUTHOR } from '../operations/secrets.ts'
import { bundle } from './bundle.ts'

/** Every write waits for the disk, which all tests share. */
const PATIENCE_MS = 180_000

const scripts = createTempHome()
let script: string
beforeAll(() => {
  script = bundle('./yaml-writer.ts', scripts.file('yaml-writer.cjs'))
})
afterAll(() => scripts.remove())

function home(): TempHome {
  const made = createTempHome()
  onTestFinished(() => made.remove())
  return made
}

async function writer(path: string, name: string, times: number): Promise<Child> {
  const child = startChild(process.execPath, [script, path, name, String(times)], {
    keepInput: true,
  })
  onTestFinished(async () => {
    await child.kill()
  })
  await child.line(/ready/)
  return child
}

test(
  'two processes that write at the same time lose no update',
  async () => {
    const path = home().file('dev.yaml')
    const times = 100
    const children = [await writer(path, 'a', times), await writer(path, 'b', times)]
    for (const child of children) child.process.stdin?.write('go')
    for (const child of children) {
      expect([await child.exit, child.stderr()]).toEqual([{ code: 0, signal: null }, ''])
      expect(child.stdout()).toMatch(/done \d+/)
    }
    const provider = new YamlProvider({ path, environment: 'test' })
    const { value } = await readSecret(provider, parseSecretUri('yaml://secret/shared'))
    const { count, ...own } = value as Record<string, number>
    expect(count).toBe(2 * times)
    expect(Object.keys(own)).toHaveLength(2 * times)
    expect(readdirSync(`${path}.lock`)).toEqual([])
  },
  PATIENCE_MS,
)

test(
  'a process that is killed leaves the old file or the new one, and its lock is free (W16)',
  async () => {
    const made = home()
    const path = made.file('dev.yaml')
    const provider = new YamlProvider({ path, environment: 'test', lockTimeoutMs: 60_000 })
    const uri = parseSecretUri('yaml://secret/mine#k')
    await writeSecret(provider, uri, 0, AUTHOR)
    for (let round = 1; round <= 5; round++) {
      const child = await writer(path, `r${round}`, 10_000)
      child.process.stdin?.write('go')
      await waitFor(() => readFileSync(path, 'utf8').includes(`r${round}-${round}:`), {
        timeoutMs: PATIENCE_MS,
      })
      // At whatever it does now.
      child.signal('SIGKILL')
      const dead = once(child.process, 'exit')
      await writeSecret(provider, uri, round, AUTHOR)
      await dead
      const { secret } = readYaml(readFileSync(path, 'utf8')).tree as {
        secret: { shared: { count: number }; mine: { k: number } }
      }
      expect(secret.mine.k).toBe(round)
      // Each writer counts before it writes its own key, and is killed once.
      const own = Object.keys(secret.shared).length - 1
      expect(secret.shared.count).toBeGreaterThanOrEqual(own)
      expect(secret.shared.count).toBeLessThanOrEqual(own + round)
      expect(statSync(path).mode & 0o777).toBe(0o600)
    }
    // What a killed process had prepared to take the lock is gone with the first write of another one.
    const next = new YamlProvider({ path, environment: 'test', lockTimeoutMs: 60_000 })
    await writeSecret(next, uri, 6, AUTHOR)
    expect(readdirSync(made.path)).toEqual(['dev.yaml', 'dev.yaml.lock'])
  },
  PATIENCE_MS,
)
