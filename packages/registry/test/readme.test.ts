import { readFile } from 'node:fs/promises'
import * as audit from '@secreg/audit'
import * as crypto from '@secreg/crypto/node'
import * as registry from '@secreg/registry'
import * as storage from '@secreg/storage'
import { expect, test } from 'vitest'

const MODULES: Readonly<Record<string, unknown>> = {
  'node:fs': await import('node:fs'),
  'node:os': await import('node:os'),
  'node:path': await import('node:path'),
  '@secreg/audit': audit,
  '@secreg/crypto/node': crypto,
  '@secreg/registry': registry,
  '@secreg/storage': storage,
}

test('the example of the README runs', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const body = example.replace(/^import (\{.*\}) from '(.*)'$/gm, "const $1 = modules['$2']")
  expect(body).not.toContain('import ')
  const lines: string[] = []
  const output = { log: (...parts: unknown[]) => lines.push(parts.join(' ')) }
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...args: unknown[]) => Promise<void>
  await new AsyncFunction('modules', 'console', body)(MODULES, output)
  expect(lines).toEqual(['8080', '', 's3cret', 'decrypt /secret/token ok'])
})
