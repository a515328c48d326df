import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isSame, report } from './readme-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the README shows the example, which does what it says', () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('readme-example.ts')}\`\`\`\n`)
  expect(isSame).toBe(true)
  expect(report).toMatchObject({ revision: 7, rows: 1 })
})
