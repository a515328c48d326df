/** Clients that come, ask one thing and go: nothing of them remains. 100,000 in the long form, 2,000 otherwise. */
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { MIB, residentBytes } from '../lib/gateway-processes.ts'
import { socketsOf } from '../lib/subauth-descriptors.ts'
import { requireForeignCallers, startSubauthSite, USERS } from '../lib/subauth-site.ts'

const COUNT = process.env['SECREG_SOAK'] === undefined ? 2_000 : 100_000
/** Memory may grow by this after the first tenth: a heap is not tidied before it has to be. */
const GROWTH_BYTES = 48 * MIB

test(`${COUNT} connections leave no descriptor and no memory`, async (context) => {
  requireForeignCallers(context)
  await using running = await startSubauthSite()
  const { daemon, site } = running
  const users = [USERS.root, USERS.alice, USERS.bob]
  const callers = await Promise.all(users.map((uid) => site.caller(context, uid)))
  const nop = { request: { cmd: 'nop' } }
  for (const caller of callers) {
    await caller.open('kept')
    await caller.exchange(nop, 'kept')
  }
  const records = site.records().length
  const come = async (count: number): Promise<void> => {
    const each = Math.ceil(count / callers.length)
    const visits = callers.map((caller) => caller.step('come_and_go', { count: each }))
    for (const visit of await Promise.all(visits)) {
      expect(visit).toEqual({ served: each, faults: {} })
    }
  }
  const before = socketsOf(daemon.pid)
  await come(COUNT / 10)
  const bytes = residentBytes([daemon.pid])
  await come((COUNT * 9) / 10)
  await waitFor(() => socketsOf(daemon.pid) === before, {
    what: 'the descriptors of all connections to be closed',
  })
  expect(residentBytes([daemon.pid])).toBeLessThan(bytes + GROWTH_BYTES)
  for (const caller of callers) {
    expect(await caller.exchange(nop, 'kept')).toEqual({ reply: { error: '' } })
  }
  // Nor did they fill the log: nothing was looked up.
  expect(site.records()).toHaveLength(records)
})
