import * as protocol from '@secreg/protocol'
import * as messages from '@secreg/protocol/messages'
import { expect, test } from 'vitest'

/** This package knows no file system of its own. */
const { readFile } = await import('node:fs/promises')

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')

test('the example of the README runs', async () => {
  const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readme) ?? []
  const body = example
    .replace(/^import (\{.*\}) from '@secreg\/protocol'$/m, 'const $1 = protocol')
    .replace(/^import (\{.*\}) from '@secreg\/protocol\/messages'$/m, 'const $1 = messages')
  expect(body).not.toContain('import ')
  const lines: string[] = []
  const output = { log: (...parts: unknown[]) => lines.push(parts.join(' ')) }
  new Function('protocol', 'messages', 'console', body)(protocol, messages, output)
  expect(lines).toEqual([
    '/app/port integer 8080',
    '/import/dev%2Fapi key%3F',
    'ERR_VALUE_INVALID 1',
  ])
})

test('the README names every limit with its value', () => {
  const shown = (value: number): string[] => [
    value.toLocaleString('en-US'),
    String(value),
    `${value / 1024} KiB`,
    `${value / 1024 / 1024} MiB`,
  ]
  for (const [name, value] of Object.entries(protocol.LIMITS)) {
    const row = readme.split('\n').find((line) => line.includes(`\`${name}\``))
    expect(
      shown(value).some((text) => row?.includes(text)),
      name,
    ).toBe(true)
  }
})
