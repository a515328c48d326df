import { readFileSync } from 'node:fs'
import * as library from '@secreg/client'
import { expect, onTestFinished, test } from 'vitest'
import { answer, change, entry, fakeDaemon, push, refuse } from './fake-daemon.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text]) => text as string)

const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (...values: unknown[]) => Promise<void>

/** Run an example against a socket. @returns what it prints */
async function printedBy(
  example: string | undefined,
  socket: string,
  log: (value: unknown) => void = () => {},
): Promise<unknown[]> {
  const body = (example ?? '')
    .replace(/import (\{[^}]*\}) from '@secreg\/client'/, 'const $1 = library')
    .replace('/run/secreg/socket', socket)
  const printed: unknown[] = []
  await new AsyncFunction('library', 'console', body)(library, {
    log: (value: unknown) => {
      printed.push(value)
      log(value)
    },
  })
  return printed
}

test('the example of the README runs', async () => {
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
  expect(await printedBy(examples[0], daemon.path)).toEqual([
    'localhost',
    'secret123',
    ['/app/config/database', '/app/secret/api_key'],
    'STORAGE_KEY_NOT_FOUND',
  ])
})

test('the example of following runs, over a lost connection', async () => {
  const daemon = await fakeDaemon(({ socket, type, payload }) => {
    if (type === 0x01) answer(socket, 0x02, { success: true, session_id: 's', roles: ['user'] })
    else if (payload['since_revision'] === undefined) {
      answer(socket, 0x55, { watch_id: 1, revision: 10, generation: 'g' })
      push(socket, { revision: 11, events: [change('/app/a')] })
      socket.end()
    } else {
      answer(socket, 0x55, { watch_id: 1, revision: 11, generation: 'g' })
      push(socket, { revision: 12, events: [change('/app/b')] })
    }
  })
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const printed: unknown[] = []
  const enough = new Error('enough')
  const running = printedBy(examples[1], daemon.path, (value) => {
    printed.push(value)
    if (printed.length === 3) throw enough
  })
  await expect(running).rejects.toBe(enough)
  expect(printed).toEqual(['read everything', '11 set /app/a', '12 set /app/b'])
})
