/** The conformance cases of subauth, by a client in Python under the uids that they name, on one fresh server. */
import { readFileSync } from 'node:fs'
import { runChild, type SkippableContext } from '@secreg/testkit'
import { afterAll, expect, test } from 'vitest'
import type { StartedSite } from '../lib/site.ts'
import {
  requireForeignCallers,
  type SubauthSite,
  startSubauthSite,
  subauthFile,
  type ZoneKeys,
} from '../lib/subauth-site.ts'

const DOCUMENT = readFileSync(subauthFile('subauth-cases.md'), 'utf8')

interface Case {
  readonly id: string
  readonly as: string
  readonly note?: string
  readonly req?: { readonly cmd?: unknown }
}

interface Result {
  readonly id: string
  readonly ok: boolean
  readonly why: string | null
}

function block(language: string): string {
  return new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(DOCUMENT)?.[1] ?? ''
}

const CASES = block('jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)
const CONFIGURATION = JSON.parse(block('json')) as {
  readonly zones: Readonly<Record<string, Readonly<Record<string, string | number>>>>
  readonly users: Readonly<Record<string, number>>
}

/** A zone as the cases write it, by the keys of our configuration. */
function keysOf(zone: Readonly<Record<string, string | number>>): ZoneKeys {
  return Object.fromEntries(
    Object.entries(zone).map(([key, value]) => {
      const isSwitch = key.startsWith('allow-') || key === 'auto-create'
      return [key.replaceAll('-', '_'), isSwitch ? value === 1 : value]
    }),
  )
}

let running: StartedSite<SubauthSite> | undefined
let results: Promise<ReadonlyMap<string, Result>> | undefined
afterAll(() => running?.[Symbol.asyncDispose]())

/** They rest on each other, so all are run before the first is looked at. */
async function runAll(context: SkippableContext): Promise<ReadonlyMap<string, Result>> {
  const python = requireForeignCallers(context)
  const zones = Object.entries(CONFIGURATION.zones).map(([name, zone]) => [name, keysOf(zone)])
  const { users } = CONFIGURATION
  running = await startSubauthSite({ zones: Object.fromEntries(zones), users })
  const args = ['-B', subauthFile('cases.py'), running.site.door]
  const { stdout, stderr, code } = await runChild(python, args, { timeoutMs: 100_000 })
  if (code !== 0) throw new Error(`cases.py ended with ${code}: ${stderr}`)
  const found = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result)
  return new Map(found.map((result) => [result.id, result]))
}

for (const one of CASES) {
  test(titleOf(one), async (context) => {
    requireForeignCallers(context)
    results ??= runAll(context)
    expect((await results).get(one.id)).toMatchObject({ ok: true, why: null })
  })
}

test('there are 111 cases', () => {
  expect(CASES).toHaveLength(111)
})

function titleOf({ as, id, note, req }: Case): string {
  const what = req === undefined ? 'raw bytes' : String(req.cmd)
  return `${id}: ${as}, ${what}${note === undefined ? '' : `: ${note}`}`
}
