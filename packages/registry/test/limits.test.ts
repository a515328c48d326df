import { readFileSync } from 'node:fs'
import { LIMITS } from '@secreg/protocol'
import { REGISTRY_LIMITS, WATCH_LIMITS } from '@secreg/registry'
import { expect, test } from 'vitest'
import { IMPORT_LIMITS } from '../src/operations/import.ts'

const lines = readFileSync(new URL('../../../docs/limits.md', import.meta.url), 'utf8').split('\n')

/** How the table may write a number. */
const shown = (value: number): string[] => [
  value.toLocaleString('en-US'),
  String(value),
  `${value / 1024} KiB`,
  `${value / 1024 / 1024} MiB`,
]

function expectShown(name: string, value: number): void {
  const rows = lines.filter((line) => line.includes(`\`${name}\``))
  expect(
    rows.some((row) => shown(value).some((text) => row.includes(text))),
    `${name} ${value}`,
  ).toBe(true)
}

/** What is about pace and not about size. */
const PACE = new Set([
  ...['trimEveryMs', 'trimRows', 'liveEvents', 'pieceBytes', 'readRows', 'readBytes'],
  ...['catchUpUnreadBytes', 'catchUpReaderUnreadBytes', 'progressMs', 'idleMs', 'yieldMs'],
])

test.each([
  ['protocol', LIMITS],
  ['registry', REGISTRY_LIMITS],
  ['watch', WATCH_LIMITS],
  ['import', IMPORT_LIMITS],
])('docs/limits.md names every limit of %s with its value', (_, limits) => {
  for (const [name, value] of Object.entries(limits)) if (!PACE.has(name)) expectShown(name, value)
})
