import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REFUSALS } from '@secreg/subauth'
import { waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { userOf } from '../cases.ts'
import { modelSite } from '../model-port.ts'
import { requireSeqpacket } from '../node/seqpacket-site.ts'
import { refusals } from './example.ts'
import { listen } from './server-example.ts'

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
const README = read('../../README.md')

test('the examples of the README are the ones that run, and do what they say', async (context) => {
  for (const file of ['example.ts', 'client-example.ts', 'server-example.ts']) {
    expect(README).toContain(`\`\`\`ts\n${read(file)}\`\`\`\n`)
  }
  expect(refusals).toEqual([REFUSALS.LOGIN_FAILED.text, REFUSALS.NOT_PERMITTED.text])
  requireSeqpacket(context)
  const directory = mkdtempSync(join(tmpdir(), 'subauth-'))
  const path = join(directory, 's')
  const site = modelSite()
  const uids: number[] = []
  const server = listen(path, (uid) => {
    uids.push(uid)
    return site.portOf(1001, userOf(1001))
  })
  await waitFor(() => server.listening)
  vi.stubEnv('SUBAUTH_SOCKET', path)
  const { accounts, login, zones } = await import('./client-example.ts')
  expect(zones).toEqual(['mail', 'wiki', 'pwonly', 'tokonly', 'nopwauth'])
  expect([login, accounts.map(({ zone, tokens }) => [zone, tokens.length])]).toEqual([
    'alice',
    [['wiki', 1]],
  ])
  expect(new Set(uids)).toEqual(new Set([process.geteuid?.()]))
  await new Promise<void>((resolve) => server.close(() => resolve()))
  rmSync(directory, { recursive: true })
  vi.unstubAllEnvs()
})

test('its table of texts is whole', () => {
  for (const [reason, { kind, text }] of Object.entries(REFUSALS)) {
    expect(README).toContain(`| \`${reason}\` | ${kind} | ${text} |\n`)
  }
})
