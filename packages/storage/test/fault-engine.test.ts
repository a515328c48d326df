import { createTestCheck, FaultEngine } from '@secreg/storage/testing'
import { expect, test } from 'vitest'
import { contents, outcome, put, textOf } from './stores.ts'

test('fails the commit it is told to, before or after it applied', async () => {
  const engine = new FaultEngine()
  engine.failCommit(2, { errno: 'ENOSPC' })
  engine.failCommit(3, { errno: 'EIO' })
  engine.failCommit(4, { errno: 'EIO', applied: true })
  const results = []
  for (const key of ['a', 'b', 'c', 'd']) {
    results.push(await outcome(() => engine.commit({ ops: [put(key)] })))
  }
  expect(results).toEqual(['ok', 'ERR_STORAGE_FULL', 'ERR_STORAGE_WRITE_FAILED', 'ok'])
  expect((await contents(engine)).map(([key]) => key)).toEqual(['a', 'd'])
  expect([engine.head, engine.syncs]).toEqual([2, 2])
})

test('stays failed until it is healed, and then says what was applied', async () => {
  const engine = new FaultEngine()
  engine.failCommit(1, { errno: 'EIO', applied: true, reopens: false })
  const unknown = await outcome(() => engine.commit({ ops: [put('a')] }))
  expect(unknown).toBe('ERR_STORAGE_OUTCOME_UNKNOWN')
  expect([engine.state, engine.head]).toEqual(['failed', 0])
  expect(await outcome(() => engine.get('a'))).toBe('ERR_STORAGE_UNAVAILABLE')
  expect(await outcome(() => engine.commit({ ops: [] }))).toBe('ERR_STORAGE_UNAVAILABLE')
  engine.heal()
  await engine.recover()
  expect([engine.head, textOf(await engine.get('a'))]).toEqual([1, 'a'])
})

test('loses what is not synced at a crash, at each point of a commit', async () => {
  for (const point of ['before-sync', 'after-sync'] as const) {
    let crashing = false
    const engine: FaultEngine = new FaultEngine(undefined, {
      onPoint: (at) => {
        if (crashing && at === point) engine.crash()
      },
    })
    await engine.commit({ ops: [put('a')] })
    crashing = true
    const iterator = engine.iterate({})
    const lost = await Promise.all([
      outcome(() => engine.commit({ ops: [put('b')] })),
      outcome(() => engine.commit({ ops: [put('c')] })),
    ])
    expect(lost).toEqual(['ERR_STORAGE_CLOSED', 'ERR_STORAGE_CLOSED'])
    expect(await outcome(() => iterator.next())).toBe('ERR_STORAGE_CLOSED')
    expect(await outcome(() => engine.get('a'))).toBe('ERR_STORAGE_CLOSED')
    const again = engine.restart({})
    const expected = point === 'before-sync' ? ['a'] : ['a', 'b']
    expect((await contents(again)).map(([key]) => key)).toEqual(expected)
    expect(again.head).toBe(expected.length)
    expect(again.generation).toBe(engine.generation)
  }
})

test('fails reads of a key', async () => {
  const engine = new FaultEngine()
  await engine.commit({ ops: [put('a'), put('b')] })
  const error = new Error('unreadable')
  engine.failReads('b', error)
  expect(textOf(await engine.get('a'))).toBe('a')
  expect(() => engine.get('b')).toThrow(error)
  expect(() => engine.getMany(['a', 'b'])).toThrow(error)
  await expect(contents(engine)).rejects.toBe(error)
  engine.failReads('b')
  expect((await contents(engine)).length).toBe(2)
})

test('fails to verify spaces with a key that cannot be read', async () => {
  const engine = new FaultEngine()
  engine.setCheckKey(createTestCheck('guards', undefined, (key) => key.startsWith('b')))
  await engine.commit({ ops: [put('a'), put('b')] })
  const error = new Error('unreadable')
  engine.failReads('a', error)
  await engine.verifyGuarded([{ gte: 'b', lt: 'c' }])
  await expect(engine.verifyGuarded([{ gte: 'a', lt: 'c' }])).rejects.toBe(error)
  engine.failReads('a')
  await engine.verifyGuarded([{ gte: 'a', lt: 'c' }])
})

test('a commit that waits at a point holds up the next', async () => {
  let release: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const points: string[] = []
  const engine = new FaultEngine(undefined, {
    onPoint: async (point, revision) => {
      points.push(`${point} ${revision}`)
      await gate
    },
  })
  const commits = [engine.commit({ ops: [put('a')] }), engine.commit({ ops: [put('b')] })]
  const closing = engine.close()
  release()
  expect(await Promise.all(commits)).toEqual([{ revision: 1 }, { revision: 2 }])
  await closing
  expect(points).toEqual(['before-sync 1', 'after-sync 1', 'before-sync 2', 'after-sync 2'])
})
