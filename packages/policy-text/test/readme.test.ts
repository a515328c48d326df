import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { expect, test, vi } from 'vitest'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the README shows the example, which prints what it says', async () => {
  const example = read('readme-example.ts')
  expect(read('../README.md')).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./readme-example.ts')
  const text = (value: unknown) => (typeof value === 'string' ? value : inspect(value))
  const printed = log.mock.calls.map((values) => values.map(text).join(' ').trimEnd()).join('\n')
  log.mockRestore()
  const said = [...example.matchAll(/^console\.log.*\n((?:\/\/ .*\n)+)/gm)]
    .map(([, lines = '']) => lines.replaceAll('// ', ''))
    .join('')
  expect(printed).toBe(said.trimEnd())
})
