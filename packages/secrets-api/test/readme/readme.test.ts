import { readFileSync } from 'node:fs'
import { SECRETS_API_REFUSALS } from '@secreg/secrets-api'
import { ENFORCEMENT_REFUSALS, SERVICE_REFUSALS } from '@secreg/secrets-api/enforcement'
import { YAML_FILE_FAULTS } from '@secreg/secrets-api/node'
import { expect, test, vi } from 'vitest'
import { destroy, resourceRef, value as sent, uri } from './request-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const README = read('../../README.md')

test('the examples of the README are the ones that run, and do what they say', async () => {
  for (const file of [
    'example.ts',
    'request-example.ts',
    'enforcement-example.ts',
    'service-example.ts',
  ]) {
    expect(README).toContain(`\`\`\`ts\n${read(file)}\`\`\`\n`)
  }
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const { canonical, reasons, value } = await import('./example.ts')
  log.mockRestore()
  expect(canonical).toBe('yaml://secret/env#MY_API_KEY')
  expect(value).toEqual({ MY_API_KEY: 'abc123' })
  expect(reasons).toEqual([
    '400 ILLEGAL_SEGMENT',
    '400 ILLEGAL_SEGMENT',
    '400 TENANT_MOUNT_MISMATCH',
  ])
  expect(uri.canonical).toBe('openbao+kv2://secret/app/api#token?version=3')
  expect([destroy, sent]).toEqual([false, 'x'])
  expect(resourceRef).toBe('zPP0kpW3HzRwxGRfSy-1QkXTpIClpZvprYYwQhwXLFE')
})

test.each([
  ['enforcement-example.ts', () => import('./enforcement-example.ts')],
  ['service-example.ts', () => import('./service-example.ts')],
])('%s prints what it says', async (file, run) => {
  const printed: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...texts) => {
    printed.push(texts.join(' '))
  })
  await run()
  log.mockRestore()
  const said = [...read(file).matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)]
  expect(said).toHaveLength(3)
  expect(printed).toEqual(said.map(([, text]) => text))
})

test('its tables of errors are whole', () => {
  for (const [code, { status, text }] of Object.entries({
    ...ENFORCEMENT_REFUSALS,
    ...SERVICE_REFUSALS,
  })) {
    expect(README).toContain(`| \`${code}\` | ${status} | ${text} |\n`)
  }
  for (const [reason, { status, text }] of Object.entries(SECRETS_API_REFUSALS)) {
    expect(README).toContain(`| \`${reason}\` | ${status} | ${text} |\n`)
  }
  for (const [fault, text] of Object.entries(YAML_FILE_FAULTS)) {
    expect(README).toContain(`| \`ERR_YAML_FILE_${fault}\` | ${text} |\n`)
  }
})
