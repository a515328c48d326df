import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { after, before, port, rows } from './readme-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the example of the README is the one that runs, and does what it says', () => {
  expect(read('../../README.md')).toContain(`\`\`\`ts\n${read('readme-example.ts')}\`\`\`\n`)
  expect([port, before, after, rows]).toEqual([
    8080,
    'postgres://one',
    'postgres://two',
    'select 1 at postgres://two',
  ])
})
