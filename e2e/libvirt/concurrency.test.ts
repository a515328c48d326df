/** A usage is one secret's, however many ask for it at the same time. */
import { randomUUID } from 'node:crypto'
import { LibvirtError, type Secret, type SecretRegistry, type UsageType } from '@secreg/libvirt'
import { afterAll, expect, type TestContext, test } from 'vitest'
import { type LibvirtSite, startLibvirtSite } from '../lib/libvirt-site.ts'
import type { StartedSite } from '../lib/site.ts'

const CONNECTIONS = 8
const ATTEMPTS = 200
const TYPES: readonly UsageType[] = ['volume', 'ceph', 'iscsi', 'tls', 'vtpm']

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function stage(context: TestContext) {
  running ??= startLibvirtSite(context)
  const { admin, site } = await running
  const registries = await Promise.all(Array.from({ length: CONNECTIONS }, () => site.connect()))
  context.onTestFinished(async () => {
    await Promise.all(registries.map((registry) => registry.close()))
  })
  const of = (at: number): SecretRegistry => registries[at % CONNECTIONS] as SecretRegistry
  return { admin, of, site }
}

/** What each attempt has come to; refusals have to be for the usage that another one has. */
async function settled(
  attempts: readonly Promise<Secret>[],
  id: string,
): Promise<{ won: Secret[]; holders: Set<string> }> {
  const won: Secret[] = []
  const holders = new Set<string>()
  for (const outcome of await Promise.allSettled(attempts)) {
    if (outcome.status === 'fulfilled') {
      won.push(outcome.value)
      continue
    }
    const { reason } = outcome
    if (!LibvirtError.is(reason, 1)) throw reason
    const holder = /a secret with UUID (\S+) (?:is )?already defined for use with (.*)$/.exec(
      reason.message,
    )
    expect(holder?.[2], reason.message).toBe(id)
    holders.add(holder?.[1] as string)
  }
  return { won, holders }
}

test('of many definitions with one usage exactly one is made, and the others are told which', async (context) => {
  const { admin, of, site } = await stage(context)
  const records = site.records().length
  for (const type of TYPES) {
    const id = `/one/for ${type}`
    const attempts = Array.from({ length: ATTEMPTS / TYPES.length }, (_, at) =>
      of(at).define({ uuid: randomUUID(), usage: { type, id }, ephemeral: at % 2 === 0 }),
    )
    const { won, holders } = await settled(attempts, id)
    expect(won.length).toBe(1)
    expect([...holders]).toEqual(won.map(({ uuid }) => uuid))
    const found = await of(0).getByUsage(type, id)
    expect(found.uuid).toBe(won[0]?.uuid)
  }
  const listed = await of(1).list()
  expect(listed.map(({ usage }) => usage.type).sort()).toEqual([...TYPES].sort())
  expect((await admin.ok('list', { prefix: '/libvirt', unset: true })).keys).toHaveLength(5)
  const made = site
    .records()
    .slice(records)
    .filter(({ body }) => body.outcome === 'ok')
  expect(made.filter(({ body }) => body.detail === 'libvirt define')).toHaveLength(TYPES.length)
  for (const secret of listed) await secret.undefine()
})

test('nor does a redefinition get what another has', async (context) => {
  const { of } = await stage(context)
  const id = 'of two types'
  const wanted = { type: 'ceph', id } as const
  // Each has the id with a type of its own, or none of it yet; a type may change where the id stays.
  const others = (['tls', 'vtpm', 'iscsi', 'volume'] as const).map((type) => ({ type, id }))
  const held = await Promise.all(others.map((usage, at) => of(at).define({ usage })))
  const attempts = Array.from({ length: ATTEMPTS }, (_, at) => {
    const uuid = at % 2 === 0 ? held[(at >> 1) % held.length]?.uuid : undefined
    return of(at).define({ usage: wanted, ...(uuid === undefined ? {} : { uuid }) })
  })
  const { won, holders } = await settled(attempts, id)
  // The winner may define itself again, as often as it likes; it is one secret.
  const [winner] = won
  expect(new Set(won.map(({ uuid }) => uuid))).toEqual(holders)
  expect(holders.size).toBe(1)
  const listed = await of(0).list()
  const usages = listed.map(({ usage }) => `${usage.type} ${usage.id}`)
  expect(new Set(usages).size).toBe(usages.length)
  expect(usages).toContain(`ceph ${id}`)
  expect((await of(3).getByUsage('ceph', id)).uuid).toBe(winner?.uuid)
  for (const secret of listed) await secret.undefine()
})

test('a usage is free again as soon as its secret is gone', async (context) => {
  const { of } = await stage(context)
  const usage = { type: 'iscsi', id: 'passed on' } as const
  let last = await of(0).define({ usage })
  for (let round = 1; round <= 30; round++) {
    // In one go: whoever comes first, at most one has it, and the one that is there is told.
    const gone = last.undefine()
    const [outcome] = await Promise.allSettled([
      of(round).define({ usage, ephemeral: round % 3 > 0 }),
      gone,
    ])
    if (outcome.status === 'fulfilled') last = outcome.value
    else last = await of(round + 1).define({ usage })
    expect((await of(round + 2).list()).map(({ uuid }) => uuid)).toEqual([last.uuid])
  }
  await last.undefine()
  expect(await of(0).count()).toBe(0)
})

test('many without a usage, and one UUID from all sides', async (context) => {
  const { of } = await stage(context)
  const made = await Promise.all(
    Array.from({ length: ATTEMPTS }, (_, at) => of(at).define({ ephemeral: at % 20 > 0 })),
  )
  expect(new Set(made.map(({ uuid }) => uuid)).size).toBe(ATTEMPTS)
  expect(await of(0).listUuids()).toEqual(made.map(({ uuid }) => uuid).sort())
  await Promise.all(made.map((secret) => secret.undefine()))
  const uuid = randomUUID()
  const values = Array.from({ length: ATTEMPTS }, (_, at) => Buffer.from(`value ${at}`))
  const same = await Promise.all(values.map((_, at) => of(at).define({ uuid })))
  await Promise.all(same.map((secret, at) => secret.setValue(values[at] as Buffer)))
  expect(await of(0).listUuids()).toEqual([uuid])
  const value = Buffer.from(
    await of(1)
      .getByUuid(uuid)
      .then((secret) => secret.getValue()),
  )
  expect(values).toContainEqual(value)
  await same[0]?.undefine()
})
