import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as host from '@secreg/host'
import { transformSync } from 'esbuild'
import { expect, it, vi } from 'vitest'

const file = fileURLToPath(new URL('../README.md', import.meta.url))
const readme = readFileSync(file, 'utf8')

/** A table of keys as it must stand in the README. */
function tableOf(keys: readonly host.ConfigKey[]): string {
  const rows = keys.map((key) => {
    const fallback = key.default === '' ? 'none' : `\`${key.default}\``
    const expected = key.expected.replaceAll('|', '\\|')
    return `| \`${key.name}\` | ${fallback} | ${key.unit} | ${expected} | ${key.description} |`
  })
  return ['| key | default | unit | value | meaning |', '|---|---|---|---|---|', ...rows].join('\n')
}

it.each([
  ['config-keys', host.CONFIG_KEYS],
  ['tenant-keys', host.SECRETS_TENANT_KEYS],
  ['issuer-keys', host.SECRETS_ISSUER_KEYS],
  ['zone-keys', host.ZONE_KEYS],
] as const)('shows the keys of the configuration as they are: %s', (mark, keys) => {
  const pattern = new RegExp(`<!-- ${mark}: begin -->\\n([\\s\\S]*)<!-- ${mark}: end -->`)
  expect(pattern.exec(readme)?.[1]).toBe(`${tableOf(keys)}\n`)
})

it('has an example that says what it shows', async () => {
  const example = /^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1] ?? ''
  const body = example.replace(/^import \{(.+)\} from '@secreg\/host'$/m, 'const {$1} = host')
  const { code } = transformSync(body, { loader: 'ts' })
  const printed: unknown[] = []
  const write = vi.spyOn(console, 'log').mockImplementation((text) => void printed.push(text))
  new Function('host', code)(host)
  write.mockRestore()
  expect(printed).toEqual([/^ {2}\/\/ (.+)$/m.exec(example)?.[1]])
})

it('names every code of an error', () => {
  const source = readFileSync(new URL('../src/errors.ts', import.meta.url), 'utf8')
  for (const [code] of source.matchAll(/ERR_HOST_[A-Z_]+/g))
    expect(readme).toContain(`| \`${code}\` |`)
})
