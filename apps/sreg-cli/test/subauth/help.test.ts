import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { OPERATIONS, OPTIONS } from '../../src/subauth/option-table.ts'
import { VERSION } from '../../src/version.ts'
import { FakeServer } from './fake-server.ts'

test('the help names everything, whatever else the line says, and fits a terminal', async () => {
  const server = new FakeServer()
  const { code, stdout, stderr } = await server.run(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const { name } of [...OPERATIONS, ...OPTIONS]) expect(stdout).toContain(`  --${name}`)
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
  for (const args of [['-h'], ['--passwd', '--nonsense', '-h'], ['--zones', '--help']]) {
    expect((await server.run(args)).stdout).toBe(stdout)
  }
  expect(server.connected).toEqual([])
})

test('the version', async () => {
  const { code, stdout } = await new FakeServer().run(['--version'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `subauth ${VERSION}\n` })
})

test('no operation has the name of an option, and each takes what it needs once', () => {
  const names = [...OPERATIONS, ...OPTIONS].map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { needs, takes } of OPERATIONS) {
    expect(new Set([...needs, ...takes]).size).toBe(needs.length + takes.length)
  }
})

/** What can be written, an operation a line. */
function reference(): string {
  return OPERATIONS.map(({ name, values, needs, takes }) => {
    const written = (option: string): string => {
      const value = OPTIONS.find((one) => one.name === option)?.value
      return `--${option}${value === undefined ? '' : `=${value}`}`
    }
    const operation = `--${name}${values === undefined ? '' : `=${values.join('|')}`}`
    const optional = [...takes, 'socket'].map((option) => `[${written(option)}]`)
    return ['subauth', operation, ...needs.map(written), ...optional].join(' ')
  }).join('\n')
}

test('the reference in the README is that of the table', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(`\`\`\`text\n${reference()}\n\`\`\`\n`)
})
