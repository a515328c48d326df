/** Transactions: compare, then do the one or the other, as one operation with one record (weakness 24). */
import { describe, expect, test } from 'vitest'
import { addUser, linesOf, reason, start } from './fixture.ts'

test('then is done when everything holds, else otherwise; one revision and one record', async () => {
  const { api, engine, files } = await start()
  await api.set({ key: '/a', value: '1' })
  const lines = linesOf(files).length
  const before = engine.head
  const answer = await api.txn({
    compare: [
      { key: '/a', version: 1 },
      { key: '/b', absent: true },
      { key: '/a', value: '1' },
    ],
    then: [
      { op: 'set', key: '/a', value: '2' },
      { op: 'set', key: '/b', value: '3', encrypt: true },
      { op: 'get', key: '/a' },
      { op: 'delete', key: '/none' },
    ],
    else: [{ op: 'set', key: '/wrong', value: 'x' }],
  })
  expect(answer).toMatchObject({
    succeeded: true,
    revision: before + 1,
    // Reads see the state before.
    results: [
      { op: 'set', version: 2 },
      { op: 'set', version: 1 },
      { op: 'get', found: { value: '1', version: 1 } },
      { op: 'delete', deleted: 0 },
    ],
  })
  expect(linesOf(files).slice(lines)).toMatchObject([
    {
      rev: before + 1,
      body: {
        action: 'transaction',
        outcome: 'ok',
        paths: ['/a', '/b', '/none', '/wrong'],
        versions: [2, 1],
        detail: 'then',
      },
    },
  ])
  expect(
    await api.txn({ compare: [{ key: '/a', version: 1 }], else: [{ op: 'get', key: '/b' }] }),
  ).toMatchObject({ succeeded: false, results: [{ found: { value: null, encrypted: true } }] })
})

test('a transaction that writes nothing commits nothing, and leaves its record', async () => {
  const { api, engine, files } = await start()
  const before = [engine.head, linesOf(files).length] as const
  expect(await api.txn({ then: [{ op: 'get', key: '/none' }] })).toMatchObject({
    succeeded: true,
    revision: before[0],
    results: [{ op: 'get', found: null }],
  })
  expect([engine.head, linesOf(files).length]).toEqual([before[0], before[1] + 1])
})

describe('comparisons', () => {
  test('of every kind, in every order', async () => {
    const { api } = await start()
    for (const value of ['1', '2', '3']) await api.set({ key: '/a', value })
    const { modify_revision } = await api.get({ key: '/a' })
    const holds = async (compare: object) =>
      (await api.txn({ compare: [compare as never] })).succeeded
    const a = { key: '/a' }
    const none = { key: '/none' }
    expect(await holds({ ...a, version: 3 })).toBe(true)
    expect(await holds({ ...a, version: 3, is: '!=' })).toBe(false)
    expect(await holds({ ...a, version: 4, is: '<' })).toBe(true)
    expect(await holds({ ...a, version: 2, is: '>' })).toBe(true)
    expect(await holds({ ...a, revision: modify_revision })).toBe(true)
    expect(await holds({ ...a, revision: modify_revision, is: '>' })).toBe(false)
    expect(await holds({ ...none, revision: 0 })).toBe(true)
    expect(await holds({ ...none, version: 0 })).toBe(true)
    expect(await holds({ ...none, absent: true })).toBe(true)
    expect(await holds({ ...a, absent: false })).toBe(true)
    expect(await holds({ ...a, value: '3' })).toBe(true)
    expect(await holds({ ...a, value: '3', is: '!=' })).toBe(false)
    expect(await holds({ ...a, value: 3 })).toBe(false)
    expect(await holds({ ...none, value: '3', is: '!=' })).toBe(true)
    // Activation is caught by the modify revision.
    await api.versions({ op: 'activate', key: '/a', version: 1 })
    expect(await holds({ ...a, version: 3 })).toBe(true)
    expect(await holds({ ...a, revision: modify_revision })).toBe(false)
  })

  test('nobody learns by comparing what he may not read', async () => {
    const home = await start()
    await home.api.set({ key: '/app/secret', value: 'canary', encrypt: true })
    const { api } = await addUser(home, 'op', ['operator'])
    await expect(api.txn({ compare: [{ key: '/app/secret', value: 'canary' }] })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    for (const key of ['/security/a', '/security/none']) {
      await expect(api.txn({ compare: [{ key, absent: true }] })).rejects.toEqual(
        reason('ACCESS_DENIED'),
      )
      await expect(api.txn({ compare: [{ key, version: 0 }] })).rejects.toEqual(
        reason('ACCESS_DENIED'),
      )
    }
  })
})

describe('all or nothing', () => {
  test('one refusal refuses it all', async () => {
    const home = await start()
    const { api } = await addUser(home, 'op', ['operator'])
    const sets = (last: object) =>
      api.txn({ then: [{ op: 'set', key: '/a', value: '1' }, last as never] })
    await expect(sets({ op: 'set', key: '/security/b', value: '2' })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await expect(sets({ op: 'set', key: '/b', value: '2', if_version: 7 })).rejects.toEqual(
      reason('VERSION_CONFLICT'),
    )
    await expect(sets({ op: 'set', key: '/b', value: 'x', type: 'integer' })).rejects.toEqual(
      reason('VALUE_INVALID'),
    )
    await expect(sets({ op: 'set', key: '/a', value: '2' })).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
    await expect(sets({ op: 'delete', key: '/b' })).rejects.toEqual(reason('ACCESS_DENIED'))
    await expect(home.api.get({ key: '/a' })).rejects.toEqual(reason('STORAGE_KEY_NOT_FOUND'))
  })

  test('1,000 writes are one revision', async () => {
    const { api, engine } = await start()
    const before = engine.head
    const writes = Array.from({ length: 1000 }, (_, index) => ({
      op: 'set' as const,
      key: `/many/${index}`,
      value: index,
    }))
    expect(await api.txn({ then: writes })).toMatchObject({ revision: before + 1 })
    expect((await api.list({ prefix: '/many' })).keys).toHaveLength(1000)
  })

  test('of many that move one unit from here to there, none is lost or made', async () => {
    const { api } = await start()
    await api.set({ key: '/x', value: 100, type: 'integer' })
    await api.set({ key: '/y', value: 0, type: 'integer' })
    const move = async (): Promise<void> => {
      for (;;) {
        const [x, y] = await Promise.all([api.get({ key: '/x' }), api.get({ key: '/y' })])
        const { succeeded } = await api.txn({
          compare: [
            { key: '/x', revision: x.modify_revision },
            { key: '/y', revision: y.modify_revision },
          ],
          then: [
            { op: 'set', key: '/x', value: Number(x.value) - 1 },
            { op: 'set', key: '/y', value: Number(y.value) + 1 },
          ],
        })
        if (succeeded) return
      }
    }
    await Promise.all(Array.from({ length: 20 }, move))
    expect([(await api.get({ key: '/x' })).value, (await api.get({ key: '/y' })).value]).toEqual([
      '80',
      '20',
    ])
  })
})
