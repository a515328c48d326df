import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import * as engine from '@secreg/policy-engine'
import { expect, test } from 'vitest'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const SECTIONS = README.split('\n## ')
const SECTION = SECTIONS.find((part) => part.startsWith('Questions about whole'))
const WRITING = SECTIONS.find((part) => part.startsWith('Writing policies'))
const WRITTEN = /^```ts\n([\s\S]*?)^```/m.exec(WRITING ?? '')?.[1] ?? ''
const EXAMPLES = [...(SECTION ?? '').matchAll(/^### (.+)\n\n```ts\n([\s\S]*?)^```/gm)].map(
  ([, title = '', source = '']) => ({ title, source }),
)

test('every question has an example', () => {
  expect(EXAMPLES.map(({ title }) => title)).toEqual([
    'Who can, and what can he',
    'Nobody grants what he lacks',
    'Lint',
    'Diff',
    'Changing a few documents',
    'Patterns',
  ])
})

test.each([...EXAMPLES, { title: 'Writing policies', source: WRITTEN }])(
  '$title: the example prints what it says',
  ({ source }) => {
    const prints = source.split('\n').flatMap((line) => /^\/\/ (.*)$/.exec(line)?.[1] ?? [])
    const code = source.replace(
      /import (\{[^}]*\}) from '@secreg\/policy-engine'/,
      'const $1 = engine',
    )
    const printed: string[] = []
    const log = (...values: unknown[]): void => {
      const text = (value: unknown): string =>
        typeof value === 'string'
          ? value
          : inspect(value, { breakLength: Number.POSITIVE_INFINITY })
      printed.push(values.map(text).join(' '))
    }
    new Function('engine', 'console', code)(engine, { log })
    expect(prints.length).toBeGreaterThan(1)
    expect(printed).toEqual(prints)
  },
)
