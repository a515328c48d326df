import { readFileSync } from 'node:fs'
import * as library from '@secreg/client'
import { expect, onTestFinished, test } from 'vitest'
import { answer, entry, fakeDaemon, refuse } from './fake-daemon.ts'

test('the example of the README runs', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const values = new Map<string, string>()
  const daemon = await fakeDaemon(({ socket, type, payload }) => {
    const key = String(payload['key'])
    if (type === 0x01) answer(socket, 0x02, { success: true, session_id: 's', roles: ['user'] })
    else if (type === 0x05) {
      values.set(key, String(payload['value']))
      answer(socket, 0x06, { success: true, version: 1, revision: 1 })
    } else if (type === 0x03) {
      const value = values.get(key)
      if (value === undefined) refuse(socket, 'STORAGE_KEY_NOT_FOUND', 2)
      else answer(socket, 0x04, entry(value))
    } else if (type === 0x09) answer(socket, 0x0a, { keys: [...values.keys()].sort() })
    else answer(socket, type + 1, { success: true, deleted: values.size, revision: 2 })
  })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const body = example
    .replace(/import (\{[^}]*\}) from '@secreg\/client'/, 'const $1 = library')
    .replace('/run/secreg/socket', daemon.path)
  const printed: unknown[] = []
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<void>
  await new AsyncFunction('library', 'console', body)(library, {
    log: (value: unknown) => printed.push(value),
  })
  expect(printed).toEqual([
    'localhost',
    'secret123',
    ['/app/config/database', '/app/secret/api_key'],
    'STORAGE_KEY_NOT_FOUND',
  ])
})
