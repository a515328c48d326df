/** What the libvirt sockets do while the disk of the audit log gets full; thresholds stand in for the disk. */
import { LibvirtError } from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { freeBytes } from '../running-daemon.ts'
import { recordsOf } from '../subauth/packets.ts'
import { ALICE, SOCKETS, startWithAlice } from './site.ts'

const TIB = 1024 ** 4
const linesOf = (low: number, least: number): string =>
  `audit.free_warning = 0\naudit.free_low = ${low}\naudit.free_least = ${least}`

test('while there is little room nobody but root is served, and one record says how many were not', async (context) => {
  const site = await startWithAlice(linesOf(0, 0))
  if (freeBytes(site.home.path) >= TIB) context.skip('the disk has more room than a threshold')
  const alice = await site.open({ uid: ALICE })
  const root = await site.open({ uid: 0 })
  const bring = async (level: string, lines: string): Promise<void> => {
    await site.daemon.configure(site.configOf(`${SOCKETS}${lines}`))
    await waitFor(async () =>
      (await site.daemon.host.metricsText()).includes(`audit_room_level{level="${level}"} 1`),
    )
  }
  const refusal = (text: string) => (error: unknown) =>
    LibvirtError.is(error) && error.code === 9 && error.message.includes(text)
  expect(await alice.list()).toEqual([])

  await bring('low', linesOf(TIB, 0))
  const before = recordsOf(site, 'libvirt').length
  const since = performance.now()
  await expect(alice.count()).rejects.toSatisfy(refusal('the registry is busy'))
  await waitFor(() => recordsOf(site, 'libvirt').length === before + 1)
  expect(recordsOf(site, 'libvirt').at(-1)).toMatchObject({
    action: 'auth',
    reason: 'BUSY',
    count: 1,
    actor: { uid: ALICE, door: 'libvirt' },
  })
  for (let count = 0; count < 20; count++) await alice.count().catch(() => {})
  const records = recordsOf(site, 'libvirt').length - before
  expect(records).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - since) / 1000))
  expect(await root.count()).toBe(0)

  await bring('least', linesOf(0, TIB))
  await expect(root.count()).rejects.toSatisfy(refusal('the audit log cannot be written'))

  await bring('ok', linesOf(0, 0))
  expect(await alice.count()).toBe(0)
})
