import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

test('the README shows the example, which does what it says', async () => {
  const example = read('readme-example.ts')
  expect(read('../../README.md')).toContain(`\`\`\`ts\n${example}\`\`\`\n`)
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const { decided } = await import('./readme-example.ts')
  expect(log.mock.calls).toEqual([[decided]])
  log.mockRestore()
  expect(example).toContain(`// ${decided}\n`)
})
