import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import * as engine from '@secreg/policy-engine'
import { expect, test } from 'vitest'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const SECTION = README.split('\n## ').find((part) => part.startsWith('Policies of other systems'))
const EXAMPLES = [...(SECTION ?? '').matchAll(/^### (.+)\n\n```ts\n([\s\S]*?)^```/gm)].map(
  ([, title = '', source = '']) => ({ title, source }),
)

test('every source has an example', () => {
  expect(EXAMPLES.map(({ title }) => title)).toEqual([
    'Vault and OpenBao (KV v2)',
    'setec',
    'SecReg',
    'libvirt',
  ])
})

test.each(EXAMPLES)('$title: the example prints what it says', ({ source }) => {
  const prints = source.split('\n').flatMap((line, at, lines) => {
    return lines[at - 1]?.startsWith('console.log') === true ? [line.replace('// ', '')] : []
  })
  const code = source.replace(
    /import (\{[^}]*\}) from '@secreg\/policy-engine'/,
    'const $1 = engine',
  )
  const printed: string[] = []
  const log = (...values: unknown[]): void => {
    const texts = values.map((value) => (typeof value === 'string' ? value : inspect(value)))
    printed.push(texts.join(' '))
  }
  new Function('engine', 'console', code)(engine, { log })
  expect(prints.length).toBeGreaterThan(1)
  expect(printed).toEqual(prints)
})
