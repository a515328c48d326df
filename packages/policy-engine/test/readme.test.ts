import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import * as engine from '@secreg/policy-engine'
import { expect, test } from 'vitest'

/** The example without its types, which are only on parameters. */
function exampleOf(readme: string): { code: string; prints: string[] } {
  const source = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const prints = source.split('\n').flatMap((line) => /^\/\/ (.*)$/.exec(line)?.[1] ?? [])
  const code = source
    .replace("import { compile } from '@secreg/policy-engine'", 'const { compile } = engine')
    .replaceAll('(resource: string)', '(resource)')
  return { code, prints }
}

test('the example of the README prints what it says', () => {
  const { code, prints } = exampleOf(readFileSync(new URL('../README.md', import.meta.url), 'utf8'))
  const printed: string[] = []
  const log = (value: unknown): void => {
    printed.push(typeof value === 'string' ? value : inspect(value, { breakLength: 120 }))
  }
  new Function('engine', 'console', code)(engine, { log })
  expect(prints.length).toBeGreaterThan(3)
  expect(printed).toEqual(prints)
})

test('nothing that is published needs a platform module', () => {
  const seen = new Set<string>()
  const visit = (file: URL): void => {
    if (seen.has(file.href)) return
    seen.add(file.href)
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/from '([^']+)'/g)) {
      expect(name).toMatch(/^\.{1,2}\/[a-z./-]+\.ts$/)
      visit(new URL(name, file))
    }
  }
  visit(new URL('../src/index.ts', import.meta.url))
  expect(seen.size).toBeGreaterThan(50)
})
