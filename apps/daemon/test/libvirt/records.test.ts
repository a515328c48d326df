/** One operation leaves one record (DESIGN §2), however much the door looks up to answer it. */
import type { SecretRegistry } from '@secreg/libvirt'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { recordsOf } from '../subauth/packets.ts'
import { ALICE, type LibvirtSite, STRANGER, startWithAlice } from './site.ts'

const A = '11111111-1111-4111-8111-00000000000a'
const B = '11111111-1111-4111-8111-00000000000b'
const C = '11111111-1111-4111-8111-00000000000c'
const usage = { type: 'ceph', id: 'client.a' } as const
const VALUE = new Uint8Array(8)

/** Action and outcome of the records that a call leaves. */
async function left(site: LibvirtSite, call: Promise<unknown>): Promise<string[]> {
  const before = recordsOf(site, 'libvirt').length
  await call.catch(() => {})
  return recordsOf(site, 'libvirt')
    .slice(before)
    .map(({ action, outcome }) => `${action} ${outcome}`)
}

/** Refusals make the door look again, at what its answer is about. */
const CALLS: readonly (readonly [
  string,
  (registry: SecretRegistry) => Promise<unknown>,
  readonly string[],
])[] = [
  ['define', (r) => r.define({ uuid: A, usage }), ['write ok']],
  ['a usage that another has', (r) => r.define({ uuid: B, usage }), ['write failed']],
  ['another usage', (r) => r.define({ uuid: A }), ['write failed']],
  ['no value yet', async (r) => (await r.list())[0]?.getValue(), ['list ok', 'read failed']],
  ['a look-up', (r) => r.getByUuid(A), ['read-metadata ok']],
  ['none', (r) => r.getByUuid(C), ['read-metadata failed']],
  ['by usage', (r) => r.getByUsage('ceph', 'client.a'), ['read-metadata ok']],
  ['events', (r) => r.events().ready, ['watch ok']],
]

test.each(CALLS)('%s', async (name, call, records) => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  if (name !== 'define') await alice.define({ uuid: A, usage })
  expect(await left(site, call(alice))).toEqual(records)
})

test('who may look and no more', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  const secret = await alice.define({ uuid: A, usage, private: true })
  await secret.setValue(VALUE)
  expect(await left(site, secret.getValue())).toEqual(['decrypt denied'])
  const stranger = await site.open({ uid: STRANGER })
  expect(await left(site, stranger.define({ uuid: B }))).toEqual(['write denied'])
  expect(await left(site, stranger.getByUuid(A))).toEqual(['read-metadata denied'])
})

test('what is told of an event leaves none', async () => {
  const site = await startWithAlice()
  const alice = await site.open({ uid: ALICE })
  const listener = await site.open({ uid: ALICE })
  const events = listener.events()
  await events.ready
  const before = recordsOf(site, 'libvirt').length
  const secret = await alice.define({ uuid: A, usage })
  await secret.setValue(VALUE)
  await secret.undefine()
  let seen = 0
  for await (const _ of events) if (++seen === 3) break
  const since = () => recordsOf(site, 'libvirt').slice(before)
  await waitFor(() => since().length >= 3)
  expect(since().map(({ action }) => action)).toEqual(['write', 'write', 'purge'])
})
