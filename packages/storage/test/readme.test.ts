import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as storage from '@secreg/storage'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './stores.ts'

test('the example of the README runs', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const body = (example as string)
    .replace(/^import (\{.*\}) from '@secreg\/storage'$/m, 'const $1 = storage')
    .replaceAll(/^import .* from 'node:.*'\n/gm, '')
  expect(body).not.toContain('import ')
  const lines: string[] = []
  const output = { log: (...parts: unknown[]) => lines.push(parts.join(' ')) }
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<void>
  const run = new AsyncFunction('storage', 'mkdtemp', 'tmpdir', 'join', 'console', body)
  const scratch = await temporaryDirectory()
  await run(storage, mkdtemp, () => scratch, join, output)
  expect(lines).toEqual([
    '/app/port is at revision 0',
    '/app/host localhost',
    '1 /app/port,/app/host',
    '2 /app/port',
  ])
})
