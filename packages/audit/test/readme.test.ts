import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { result, users } from './readme-example.ts'
import { leaf } from './support.ts'

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8')
const readme = read('../README.md')

test('the README shows the example, which does what it says', () => {
  expect(readme).toContain(`\`\`\`ts\n${read('readme-example.ts')}\`\`\`\n`)
  expect(users).toEqual([{ user: 'alice', action: 'read', path: '/app/db/host' }])
  expect(result).toMatchObject({ ok: true, records: 1, checkpoints: 2, proven: 1, trusted: true })
})

test('the lines in the README are a chain', () => {
  const lines = [...readme.matchAll(/^\{"seq":.*\}$/gm)].map(([line]) => line)
  expect(lines).toHaveLength(2)
  const [first, second] = lines.map((line) => JSON.parse(line))
  expect(first.prev).toBe('0'.repeat(64))
  expect(second.prev).toBe(leaf(lines[0] as string))
})
