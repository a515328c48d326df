/** Every case of the specification is shown by a test that names it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const HERE = fileURLToPath(new URL('.', import.meta.url))

const DOCUMENT = readFileSync(join(HERE, 'secrets-api-cases.md'), 'utf8')
const CASES = [...DOCUMENT.matchAll(/^\| ([A-Z]\d\d) \|/gm)].map(([, id]) => id as string)

/** Ids in what tests are called: the first text of a `test`, a `fresh` or a row of a table; `Z03 to Z06` are four. */
function namedIn(source: string): string[] {
  const titles = /(?:test|fresh|describe)\(\s*['"`]([^'"`]+)|^\s*\[\s*'([A-Z]\d\d)'/gm
  return [...source.matchAll(titles)].flatMap(([, title, id]) => idsIn(title ?? id ?? ''))
}

function idsIn(text: string): string[] {
  const ranges = [...text.matchAll(/\b([A-Z])(\d\d) to \1(\d\d)\b/g)]
  const within = ranges.flatMap(([, letter = '', from, to]) =>
    Array.from({ length: Number(to) - Number(from) + 1 }, (_, at) => {
      return `${letter}${String(Number(from) + at).padStart(2, '0')}`
    }),
  )
  return [...within, ...(text.match(/\b[A-Z]\d\d\b/g) ?? [])]
}

test('there are 204 cases, and none that no test is about', () => {
  const files = readdirSync(HERE)
    .filter((name) => name.endsWith('.ts') && name !== 'coverage.test.ts')
    .map((name) => join(HERE, name))
  files.push(fileURLToPath(new URL('../gateway/authzen.test.ts', import.meta.url)))
  const named = new Set(files.flatMap((file) => namedIn(readFileSync(file, 'utf8'))))
  expect(CASES).toHaveLength(204)
  expect(CASES.filter((id) => !named.has(id))).toEqual([])
})
