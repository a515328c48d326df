/** Following the log, reads that are synced before their answer, and keyed hashes of values. */
import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import type { AuditRecord, AuditResponse } from '@secreg/protocol'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { addUser, type Home, linesOf, reason, start } from './fixture.ts'

describe('following the log', () => {
  /** All pages up to now, of one follower. */
  async function pages(
    { api }: Pick<Home, 'api'>,
    cursor: string,
    limit = 100,
  ): Promise<AuditRecord[]> {
    const records: AuditRecord[] = []
    for (;;) {
      const page: AuditResponse = await api.audit({ cursor, limit, wait_ms: 0 })
      expect(page.cursor).toBe(cursor)
      if (page.records.length === 0) return records
      expect(page.records.length).toBeLessThanOrEqual(limit)
      records.push(...page.records)
    }
  }

  async function synced({ registry }: Home): Promise<void> {
    // What proves the log makes it durable first.
    await registry.housekeep()
  }

  test.each([1, 3, 100])(
    'tells everything from then on, oldest first, %d a page',
    async (limit) => {
      const home = await start()
      await home.api.set({ key: '/before', value: 'x' })
      const from = linesOf(home.files).length
      const { cursor = '' } = await home.api.audit({ follow: true })
      for (let i = 0; i < 10; i++) await home.api.set({ key: `/e/${i}`, value: 'x' })
      await synced(home)
      const records = await pages(home, cursor, limit)
      // The follow itself is the first that is told: it was recorded behind what it begins with.
      expect(records.map(({ sequence }) => sequence)).toEqual(
        linesOf(home.files)
          .slice(from)
          .map(({ seq }) => seq),
      )
      expect(records[0]).toMatchObject({ action: 'audit', detail: 'follow' })
      await home.registry.close()
    },
  )

  test('is one operation with one record, however many pages; its filters hold', async () => {
    const home = await start()
    const { api: alice } = await addUser(home, 'alice', ['user'])
    const { cursor = '' } = await home.api.audit({ follow: true, user: 'alice', failed: true })
    await alice.set({ key: '/user/alice/a', value: 'x' })
    await expect(alice.get({ key: '/other' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await synced(home)
    expect(await pages(home, cursor)).toMatchObject([{ paths: ['/other'], outcome: 'denied' }])
    for (let i = 0; i < 5; i++) expect(await pages(home, cursor)).toEqual([])
    const follows = linesOf(home.files).filter(({ body }) => body.detail === 'follow')
    expect(follows).toHaveLength(1)
    await home.registry.close()
  })

  test('waits for the next record, and tells it once it is synced', async () => {
    const home = await start({ syncIntervalMs: 20 })
    const { cursor = '' } = await home.api.audit({ follow: true, action: 'write' })
    const page = home.api.audit({ cursor, wait_ms: 30_000 })
    await home.api.set({ key: '/a', value: 'x' })
    expect((await page).records).toMatchObject([{ action: 'write', paths: ['/a'] }])
    await home.registry.close()
  })

  test('ends with the registry, at once', async () => {
    const home = await start()
    const { cursor = '' } = await home.api.audit({ follow: true })
    await synced(home)
    await pages(home, cursor)
    const page = home.api.audit({ cursor, wait_ms: 30_000 })
    const refused = expect(page).rejects.toEqual(reason('SHUTTING_DOWN'))
    await home.registry.close()
    await refused
  })

  test('is of its session alone, of who may read the log, and ends with the session', async () => {
    const home = await start()
    const { api: olga } = await addUser(home, 'olga', ['operator'])
    const { api: ada } = await addUser(home, 'ada', ['auditor'])
    await expect(olga.audit({ follow: true })).rejects.toEqual(reason('ACCESS_DENIED'))
    const { cursor = '' } = await ada.audit({ follow: true })
    await expect(home.api.audit({ cursor })).rejects.toEqual(reason('NOT_FOUND'))
    await expect(olga.audit({ cursor })).rejects.toEqual(reason('ACCESS_DENIED'))
    await synced(home)
    await pages({ api: ada }, cursor)
    // What he may see is asked again when the page has waited.
    const waiting = ada.audit({ cursor, wait_ms: 30_000 })
    const refused = expect(waiting).rejects.toEqual(reason('ACCESS_DENIED'))
    await home.api.user({ op: 'roles', user: 'ada', roles: ['user'] })
    await synced(home)
    await refused
    await home.api.user({ op: 'roles', user: 'ada', roles: ['auditor'] })
    await home.api.set({ key: '/a', value: 'x' })
    await home.api.evidence({ op: 'checkpoint' })
    expect(await pages({ api: ada }, cursor)).not.toHaveLength(0)
    await home.api.user({ op: 'remove', user: 'ada' })
    await home.registry.housekeep()
    await expect(ada.audit({ cursor })).rejects.toThrow()
    await home.registry.close()
  })

  test.each([{ before: 5 }, { scan: true }])('does not go with %j', async (more) => {
    const home = await start()
    await expect(home.api.audit({ follow: true, ...more })).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
    await home.registry.close()
  })
})

describe('with async_write off', () => {
  const settings = {
    requireMfa: false,
    sealedReads: true,
    encryptPrefixes: [],
    syncEveryRecord: true,
  }

  test('the record of every answer survives a loss of power', async () => {
    const home = await start({ settings })
    await home.api.set({ key: '/a', value: 'x' })
    for (let i = 0; i < 10; i++) {
      await home.api.get({ key: '/a' })
      await expect(home.api.get({ key: '/absent' })).rejects.toEqual(
        reason('STORAGE_KEY_NOT_FOUND'),
      )
    }
    const { length } = linesOf(home.files)
    home.files.crash('lost')
    expect(linesOf(home.files)).toHaveLength(length)
  })

  test('nothing is answered whose record cannot be synced', async () => {
    const memory = createMemoryFiles()
    const files = withFaults(memory)
    const home = await start({ settings, files: files as never })
    await home.api.set({ key: '/a', value: 'x' })
    files.fail({ operation: 'sync', code: 'EIO', times: Number.POSITIVE_INFINITY })
    await expect(home.api.get({ key: '/a' })).rejects.toEqual(reason('AUDIT_FAILED'))
    files.clear()
    await waitFor(async () => {
      try {
        return (await home.api.get({ key: '/a' })).value === 'x'
      } catch {
        return false
      }
    })
    await home.registry.close()
  })
})

describe('weakness 54: hashes of values', () => {
  const hashed = (home: Home) =>
    linesOf(home.files).flatMap(({ body }) => Object.entries(body.value_hashes ?? {}))

  test('are not there unless the configuration asks for them', async () => {
    const home = await start()
    await home.api.set({ key: '/a/pin', value: '1234', encrypt: true })
    expect(hashed(home)).toEqual([])
    await home.registry.close()
  })

  test('are keyed: the same value has one in one registry, and another in the next', async () => {
    const settings = {
      requireMfa: false,
      sealedReads: true,
      encryptPrefixes: [],
      valueHashPrefixes: ['/a'],
    }
    const [one, other] = [await start({ settings }), await start({ settings })]
    for (const { api } of [one, other]) {
      await api.set({ key: '/a/pin', value: '1234', encrypt: true })
      await api.set({ key: '/a/pin', value: '4321', encrypt: true })
      await api.set({ key: '/a/pin', value: '1234', encrypt: true })
      await api.set({ key: '/ab', value: '1234' })
      await api.txn({
        then: [
          { op: 'set', key: '/a/x', value: '1234' },
          { op: 'set', key: '/b', value: '1234' },
        ],
      })
    }
    const found = hashed(one)
    expect(found.map(([path]) => path)).toEqual(['/a/pin', '/a/pin', '/a/pin', '/a/x'])
    const [first, second, third, fourth] = found.map(([, hash]) => hash)
    expect([third, fourth]).toEqual([first, first])
    expect(second).not.toBe(first)
    expect(hashed(other).map(([, hash]) => hash)).not.toContain(first)
    for (const { registry } of [one, other]) await registry.close()
  })

  test('fault: the log kept those of values that are in memory only', async () => {
    const settings = {
      requireMfa: false,
      sealedReads: true,
      encryptPrefixes: [],
      valueHashPrefixes: ['/a'],
    }
    const home = await start({ settings })
    const { api } = home
    await api.set({ key: '/a/kept', value: '1234' })
    await api.set({ key: '/a/pin', value: '1234', ephemeral: true })
    await api.set({ key: '/a/pin', value: '4321' })
    await api.versions({ op: 'rollback', key: '/a/pin', version: 1 })
    await api.transfer({ op: 'copy', from: '/a/pin', to: '/a/copy' })
    await api.transfer({ op: 'copy', from: '/a/pin', to: '/a/kept', force: true })
    await api.txn({ then: [{ op: 'set', key: '/a/pin', value: '1234' }] })
    expect(hashed(home).map(([path]) => path)).toEqual(['/a/kept'])
    await api.set({ key: '/a/pin', value: '1234', ephemeral: false })
    expect(hashed(home).map(([path]) => path)).toEqual(['/a/kept', '/a/pin'])
    await home.registry.close()
  })
})
