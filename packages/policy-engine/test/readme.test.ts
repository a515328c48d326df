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
  const folder = new URL('../src/', import.meta.url)
  const index = readFileSync(new URL('index.ts', folder), 'utf8')
  const seen = new Set<string>()
  const visit = (text: string): void => {
    for (const [, name = ''] of text.matchAll(/from '([^']+)'/g)) {
      expect(name).toMatch(/^\.\/[a-z-]+\.ts$/)
      if (seen.has(name)) continue
      seen.add(name)
      visit(readFileSync(new URL(name, folder), 'utf8'))
    }
  }
  visit(index)
  expect(seen.size).toBeGreaterThan(10)
})
