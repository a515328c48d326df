/** A rotation seals everything anew, whatever else goes on and wherever it is cut, and nobody sees it (DESIGN §6). */
import { readValueEpoch, type SealHeader } from '@secreg/crypto'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeChangeHeader } from '../src/change.ts'
import { decodeEntry } from '../src/entry.ts'
import { ROTATION_KEY, SEAL_KEY, valueKey } from '../src/keys.ts'
import { decodeVersion, encodeVersion } from '../src/version.ts'
import { startOnDisk } from './disk.ts'
import {
  addUser,
  type Home,
  linesOf,
  outcomeOf,
  PASSPHRASE,
  PEER,
  reason,
  restart,
  start,
} from './fixture.ts'

/** How many sealed values there are of each epoch, wherever they stand. */
async function epochsOf({ engine }: Pick<Home, 'engine'>): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  const count = (blob: Uint8Array): void => {
    const epoch = readValueEpoch(blob)
    counts[epoch] = (counts[epoch] ?? 0) + 1
  }
  for await (const row of engine.iterate({ gte: 'e/', lt: 'e0' })) {
    const { encrypted, value } = decodeEntry(row)
    if (encrypted && value !== undefined) count(value)
  }
  for await (const row of engine.iterate({ gte: 'v/', lt: 'v0' })) {
    const { encrypted, destroyed, value } = decodeVersion(row)
    if (!encrypted || destroyed) continue
    const [, id, number] = row.key.split('/') as [string, string, string]
    const large = value === undefined ? await engine.get(valueKey(id, Number(number))) : undefined
    count(value ?? (large?.value as Uint8Array))
  }
  return counts
}

async function headerOf({ engine }: Pick<Home, 'engine'>): Promise<SealHeader> {
  const row = await engine.get(SEAL_KEY)
  return JSON.parse(Buffer.from(row?.value as Uint8Array).toString()) as SealHeader
}

const LARGE = 'L'.repeat(20_000)

/** Entries of every form. */
async function fill({ api }: Pick<Home, 'api'>): Promise<void> {
  for (const value of ['one', 'two', 'three']) {
    await api.set({ key: '/app/secret', value, encrypt: true })
  }
  await api.set({ key: '/app/large', value: LARGE, encrypt: true })
  await api.set({ key: '/app/large', value: `${LARGE}2` })
  await api.set({ key: '/app/plain', value: 'plain' })
  await api.set({ key: '/app/mixed', value: 'plain first' })
  await api.set({ key: '/app/mixed', value: 'sealed', encrypt: true })
  await api.set({ key: '/app/deleted', value: 'gone', encrypt: true })
  await api.delete({ key: '/app/deleted' })
  await api.set({ key: '/app/destroyed', value: 'first', encrypt: true })
  await api.set({ key: '/app/destroyed', value: 'second' })
  await api.versions({ op: 'destroy', key: '/app/destroyed', versions: [1] })
  await api.set({ key: '/app/before', value: 'moved', encrypt: true })
  await api.transfer({ op: 'move', from: '/app/before', to: '/app/after' })
  await api.set({ key: '/app/passing', value: 'in memory', encrypt: true, ephemeral: true })
}

/** The last change row of the store, which counts the events since it began. */
async function lastChange({ engine }: Pick<Home, 'engine'>) {
  for await (const { payload } of engine.changes(engine.head - 1)) {
    if (payload !== undefined) return decodeChangeHeader(payload)
  }
  throw new Error('no change row')
}

/** What clients see. */
async function seen({ api }: Pick<Home, 'api'>): Promise<unknown> {
  const { keys } = await api.list({ prefix: '/', recursive: true })
  const entries = []
  for (const key of keys) {
    const history = await api.history({ key })
    const versions = await Promise.all(
      history.versions.map(({ version }) =>
        outcomeOf(() => api.get({ key, version, decrypt: true })),
      ),
    )
    entries.push({ meta: await api.meta({ op: 'get', key }), history, versions })
  }
  await api.versions({ op: 'undelete', key: '/app/deleted' }).catch(() => {})
  const deleted = await outcomeOf(() => api.get({ key: '/app/deleted', decrypt: true }))
  await api.delete({ key: '/app/deleted' })
  return { entries, deleted: (deleted as { answer?: { value?: string } }).answer?.value }
}

describe('a rotation', () => {
  test('seals every value anew, and no client sees it', async () => {
    const home = await start()
    await fill(home)
    const before = await seen(home)
    const { api, registry } = home
    const { count } = await lastChange(home)
    const { modify_revision: known } = await api.get({ key: '/app/secret' })
    expect(await api.rotate({ op: 'start' })).toMatchObject({ epoch: 2, started: true })
    await registry.housekeep()
    expect(await api.rotate({ op: 'status' })).toEqual({ epoch: 2, started: false })
    expect(Object.keys(await epochsOf(home))).toEqual(['2'])
    expect((await headerOf(home)).epochs.map(({ epoch }) => epoch)).toEqual([2])
    // No watch is told of anything.
    expect((await lastChange(home)).count).toBe(count)
    expect(await seen(home)).toEqual(before)
    const compare = { key: '/app/secret', revision: known as number }
    const { succeeded } = await api.txn({
      compare: [compare],
      then: [{ op: 'set', key: '/app/secret', value: 'four' }],
    })
    expect(succeeded).toBe(true)
    const bodies = linesOf(home.files).flatMap(({ body }) =>
      body.action === 'rotate' ? [`${body.actor.user} ${body.outcome} ${body.detail}`] : [],
    )
    expect(bodies).toEqual([
      'root ok start epoch 2',
      'secregd ok finished epoch 2',
      'root ok status',
    ])
    await registry.close()
  })

  test('is told of in status, and asked for again while it runs goes on', async () => {
    const home = await start()
    await fill(home)
    const { api, registry } = home
    await api.rotate({ op: 'start' })
    const again = await api.rotate({ op: 'start' })
    expect(again).toMatchObject({ epoch: 2, started: false, rotation: { epoch: 2 } })
    expect(registry.status(home.admin).rotation).toMatchObject({ epoch: 2, phase: 'values' })
    await registry.housekeep()
    expect(registry.status(home.admin).rotation).toBeUndefined()
    expect(await api.rotate({ op: 'start' })).toMatchObject({ epoch: 3, started: true })
    await registry.housekeep()
    expect(Object.keys(await epochsOf(home))).toEqual(['3'])
    await registry.close()
  })

  test('needs the right to it, and an unsealed registry', async () => {
    const home = await start()
    const { api } = await addUser(home, 'olaf', ['operator'])
    for (const op of ['start', 'status'] as const) {
      await expect(api.rotate({ op })).rejects.toEqual(reason('ACCESS_DENIED'))
    }
    expect((await headerOf(home)).epochs).toHaveLength(1)
    await home.registry.lock(home.admin)
    await expect(home.api.rotate({ op: 'start' })).rejects.toEqual(reason('SEALED'))
    await home.registry.close()
  })

  test('is known right after a restart, before it goes on', async () => {
    const medium = new MemoryEngine()
    const engine = new FaultEngine(medium)
    const home = await start({ engine })
    await fillMany(home, 600)
    await home.api.rotate({ op: 'start' })
    engine.crash()
    await home.registry.close().catch(() => {})
    const next = await restart({ engine: new FaultEngine(medium), files: home.files })
    expect((await next.api.rotate({ op: 'status' })).rotation).toMatchObject({ epoch: 2 })
    await next.registry.housekeep()
    expect((await next.api.rotate({ op: 'status' })).rotation).toBeUndefined()
    await next.registry.close()
  })

  test('goes on after a lock in its midst', async () => {
    const home = await start()
    await fillMany(home, 600)
    await home.api.rotate({ op: 'start' })
    await home.registry.lock(home.admin)
    await home.registry.unlock(PEER, PASSPHRASE)
    await home.registry.housekeep()
    expect(Object.keys(await epochsOf(home))).toEqual(['2'])
    await home.registry.close()
  })

  test('lets old sealed values and old wrapped keys leave the files', async () => {
    const home = await startOnDisk()
    const { api, engine, filesWith } = home
    await fill(home)
    const old: Uint8Array[] = []
    for await (const row of engine.iterate({ gte: 'v/', lt: 'w0' })) {
      const value = row.key.startsWith('w') ? row.value : decodeVersion(row).value
      if (value !== undefined && value.length > 45 && value[0] === 1) old.push(value.slice())
    }
    const wrapped = (await headerOf(home)).epochs[0]?.wrapped as string
    expect(old.length).toBeGreaterThan(6)
    for (const bytes of [...old, wrapped]) expect(filesWith(bytes)).not.toEqual([])
    await api.rotate({ op: 'start' })
    await home.registry.housekeep()
    for (const bytes of [...old, wrapped]) expect(filesWith(bytes)).toEqual([])
    expect((await api.get({ key: '/app/large', decrypt: true })).value).toBe(`${LARGE}2`)
  })

  test('finds what was moved to where it had been already', async () => {
    const home = await start()
    await fillMany(home, 600)
    const { api } = home
    await api.rotate({ op: 'start' })
    // One behind the other: each comes before whatever is looked at by then.
    for (let i = 0; i < 60; i++) {
      await api.transfer({ op: 'move', from: `/many/${String(599 - i)}`, to: `/a/${i}` })
    }
    await home.registry.housekeep()
    expect(Object.keys(await epochsOf(home))).toEqual(['2'])
    for (let i = 0; i < 60; i++) {
      expect((await api.get({ key: `/a/${i}`, decrypt: true })).value).toBe(`value ${599 - i}`)
    }
    await home.registry.close()
  })

  test('a value that cannot be opened keeps its key, and is told of', async () => {
    const home = await start()
    const { api, engine, registry } = home
    await fill(home)
    for await (const { key, value } of engine.iterate({ gte: 'v/', lt: 'v0' })) {
      const version = decodeVersion({ value })
      if (!version.encrypted || version.value === undefined) continue
      const damaged = version.value.slice()
      damaged[40] = (damaged[40] as number) ^ 1
      const row = encodeVersion({ ...version, value: damaged })
      await engine.commit({ ops: [{ type: 'put', key, value: row }] })
      break
    }
    await api.rotate({ op: 'start' })
    await registry.housekeep()
    const { rotation } = await api.rotate({ op: 'status' })
    expect(rotation).toMatchObject({ epoch: 2, phase: 'blocked', unreadable: 1 })
    expect((await epochsOf(home))[1]).toBeGreaterThan(0)
    expect((await headerOf(home)).epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
    expect(await api.rotate({ op: 'start' })).toMatchObject({ epoch: 3, started: true })
    await registry.housekeep()
    expect(Object.keys(await epochsOf(home))).toEqual(['1', '3'])
    await registry.close()
  })
})

describe('cut at any commit', () => {
  test.each(['before-sync', 'after-sync'] as const)('%s: a restart finishes it', async (point) => {
    for (let nth = 1; ; nth++) {
      const medium = new MemoryEngine()
      let left = Number.POSITIVE_INFINITY
      const engine: FaultEngine = new FaultEngine(medium, {
        onPoint: (at) => {
          if (at === point && --left === 0) engine.crash()
        },
      })
      const home = await start({ engine })
      await fill(home)
      await fillMany(home, 200)
      left = nth
      await home.api.rotate({ op: 'start' }).catch(() => {})
      await home.registry.housekeep().catch(() => {})
      const wasCut = left <= 0
      await home.registry.close().catch(() => {})
      const next = await restart({ engine: new FaultEngine(medium), files: home.files })
      await next.registry.housekeep()
      const epochs = Object.keys(await epochsOf(next))
      expect(epochs).toHaveLength(1)
      expect((await headerOf(next)).epochs.map(({ epoch }) => String(epoch))).toEqual(epochs)
      expect(await next.engine.get(ROTATION_KEY)).toBeUndefined()
      expect((await next.api.get({ key: '/app/secret', decrypt: true })).value).toBe('three')
      expect((await next.api.get({ key: '/app/secret', version: 1, decrypt: true })).value).toBe(
        'one',
      )
      expect((await next.api.get({ key: '/many/100', decrypt: true })).value).toBe('value 100')
      await next.registry.close()
      if (!wasCut) {
        expect(nth).toBeGreaterThan(4)
        return
      }
    }
  })

  test('a commit that fails and can be made again', async () => {
    for (const errno of ['ENOSPC', 'EIO'] as const) {
      for (const applied of [false, true]) {
        for (let nth = 1; nth <= 5; nth++) {
          const engine = new FaultEngine(new MemoryEngine())
          const home = await start({ engine })
          await fillMany(home, 200)
          engine.failCommit(nth, { errno, applied, reopens: true })
          await home.api.rotate({ op: 'start' }).catch(() => {})
          // It may meet what the log has to store meanwhile.
          await home.registry.housekeep().catch(() => {})
          await home.registry.housekeep()
          const epochs = Object.keys(await epochsOf(home))
          expect((await headerOf(home)).epochs.map(({ epoch }) => String(epoch))).toEqual(epochs)
          await home.registry.close()
        }
      }
    }
  })
})

test('property: whatever is changed meanwhile, every value is of one epoch and what it was', async () => {
  const step = fc.record({
    kind: fc.constantFrom('set', 'set', 'move', 'copy', 'purge', 'delete', 'large', 'lock'),
    from: fc.integer({ min: 0, max: 299 }),
    to: fc.integer({ min: 0, max: 299 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const home = await start()
      await fillMany(home, 300)
      let { api } = home
      const model = new Map(Array.from({ length: 300 }, (_, i) => [`/many/${i}`, `value ${i}`]))
      await api.rotate({ op: 'start' })
      for (const { kind, from, to } of steps) {
        const [source, target] = [`/many/${from}`, `/many/${to}`]
        const value = model.get(source)
        if (kind === 'lock') {
          await home.registry.lock(home.admin)
          await home.registry.unlock(PEER, PASSPHRASE)
          const { loginTestUser, TEST_ADMIN } = await import('@secreg/registry/testing')
          const admin = await loginTestUser(home, TEST_ADMIN.admin, TEST_ADMIN.admin_password)
          api = home.registry.as(admin)
          Object.assign(home, { admin, api })
        } else if (kind === 'set' || kind === 'large') {
          const next = kind === 'set' ? `new ${to}` : LARGE
          await api.set({ key: source, value: next, encrypt: true })
          model.set(source, next)
        } else if (value === undefined) {
          // Nothing is there.
        } else if (kind === 'purge') {
          await api.versions({ op: 'purge', key: source })
          model.delete(source)
        } else if (kind === 'delete') {
          await api.delete({ key: source })
          model.delete(source)
        } else if (!model.has(target) && source !== target) {
          const moved = await outcomeOf(() =>
            api.transfer({ op: kind === 'move' ? 'move' : 'copy', from: source, to: target }),
          )
          if ((moved as { answer?: object }).answer === undefined) continue
          model.set(target, value)
          if (kind === 'move') model.delete(source)
        }
      }
      await home.registry.housekeep()
      expect(Object.keys(await epochsOf(home))).toEqual(['2'])
      for (const [key, value] of model)
        expect((await api.get({ key, decrypt: true })).value).toBe(value)
      await home.registry.close()
    }),
    { numRuns: 15 },
  )
}, 60_000)

async function fillMany({ api }: Pick<Home, 'api'>, count: number): Promise<void> {
  const { import: job = '' } = await api.import({ op: 'begin' })
  const entries = Array.from({ length: count }, (_, i) => ({
    key: `/many/${i}`,
    value: `value ${i}`,
    encrypt: true,
  }))
  await api.import({ op: 'stage', import: job, entries })
  await api.import({ op: 'commit', import: job })
}
