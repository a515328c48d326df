import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { KV2_ERROR_CODES } from '@secreg/kv2'
import { expect, test, vi } from 'vitest'
import { DEFAULTS } from '../src/options.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const README = read('../README.md')

test('the README shows the example, which prints what it says', async () => {
  const example = read('readme-example.ts')
  expect(README).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await import('./readme-example.ts')
  const text = (value: unknown) => (typeof value === 'string' ? value : inspect(value))
  const printed = log.mock.calls.map((values) => values.map(text).join(' ').trimEnd()).join('\n')
  log.mockRestore()
  const said = [...example.matchAll(/console\.log\(.*\n\s*\/\/ (.*)\n/g)].map(([, line]) => line)
  expect(said.length).toBeGreaterThan(3)
  expect(printed).toBe(said.join('\n'))
})

test('the README tells every code and the defaults as they are', () => {
  for (const code of KV2_ERROR_CODES) expect(README).toContain(`\`${code}\``)
  const rows = Object.fromEntries(
    [...README.matchAll(/^\| `(\w+(?:\.\w+)?)` \|[^|]*\| ([^|]*) \|$/gm)].map(([, name, value]) => [
      name,
      value?.replaceAll(/[,`]/g, ''),
    ]),
  )
  const { circuit, authMount, ...plain } = DEFAULTS
  for (const [name, value] of Object.entries({
    ...plain,
    'auth.authMount': authMount,
    'circuit.failures': circuit.failures,
    'circuit.openMs': circuit.openMs,
  })) {
    expect(rows[name], name).toMatch(new RegExp(`^${value}\\b`))
  }
})
