import { MemoryEngine, type Op, StorageError, VolatileOverlay } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const put = (key: string, value: string, volatile = false): Op => ({
  type: 'put',
  key,
  value: bytes(value),
  ...(volatile ? { volatile: true as const } : {}),
})

async function contents(engine: VolatileOverlay | MemoryEngine, reverse = false) {
  const rows: string[] = []
  for await (const { key, value } of engine.iterate({ gte: '', reverse })) {
    rows.push(`${key}=${new TextDecoder().decode(value)}`)
  }
  return rows
}

test('a key is durable or volatile, never both, as its last put says', async () => {
  const inner = new MemoryEngine()
  const engine = new VolatileOverlay(inner)
  await engine.commit({ ops: [put('a', '1')] })
  await engine.commit({ ops: [put('a', '2', true), put('b', '3', true)] })
  expect(await contents(engine)).toEqual(['a=2', 'b=3'])
  expect(await contents(inner)).toEqual([])
  expect(engine.isVolatile('a')).toBe(true)
  await engine.commit({ ops: [put('a', '4'), { type: 'delete', key: 'b' }] })
  expect(await contents(inner)).toEqual(['a=4'])
  expect(engine.volatileBytes).toBe(0)
})

test('a volatile row has the revisions of its commits', async () => {
  const engine = new VolatileOverlay(new MemoryEngine())
  await engine.commit({ ops: [put('x', '1')] })
  await engine.commit({ ops: [put('a', '1', true)] })
  await engine.commit({ ops: [put('a', '2', true)] })
  expect(await engine.get('a')).toMatchObject({ createRevision: 2, modifyRevision: 3 })
  await expect(
    engine.commit({ ops: [], preconditions: [{ key: 'a', modifyRevision: 2 }] }),
  ).rejects.toMatchObject({ code: 'ERR_STORAGE_PRECONDITION', found: 3 })
})

test.each([false, true])(
  'a commit that failed leaves nothing, and one in doubt is decided by the head (applied: %s)',
  async (applied) => {
    const inner = new FaultEngine()
    const engine = new VolatileOverlay(inner)
    await engine.commit({ ops: [put('a', '1')] })
    inner.failCommit(1, { errno: 'EIO', applied, reopens: false })
    await expect(engine.commit({ ops: [put('a', '2', true)] })).rejects.toBeInstanceOf(StorageError)
    inner.heal()
    await engine.recover()
    expect(await contents(engine)).toEqual([applied ? 'a=2' : 'a=1'])
    await engine.commit({ ops: [put('b', '3')] })
    expect(await contents(engine)).toEqual([applied ? 'a=2' : 'a=1', 'b=3'])
  },
)

test('rows in memory are bounded', async () => {
  const engine = new VolatileOverlay(new MemoryEngine(), { maxVolatileBytes: 10 })
  await engine.commit({ ops: [put('a', '12345', true)] })
  await expect(engine.commit({ ops: [put('b', '12345', true)] })).rejects.toMatchObject({
    code: 'ERR_STORAGE_LIMIT',
  })
  await engine.commit({ ops: [{ type: 'delete', key: 'a' }] })
  await engine.commit({ ops: [put('b', '12345', true)] })
  expect(await contents(engine)).toEqual(['b=12345'])
})

test('it shows what a map shows, whichever rows are volatile, and its durable rows are what was put so', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'é', '\u{10000}')
  const op = fc.record({ key, volatile: fc.boolean(), remove: fc.boolean() })
  const commits = fc.array(fc.uniqueArray(op, { selector: (each) => each.key, maxLength: 4 }), {
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(commits, fc.boolean(), async (batches, reverse) => {
      const inner = new MemoryEngine()
      const engine = new VolatileOverlay(inner)
      const model = new Map<string, { value: string; volatile: boolean }>()
      let count = 0
      for (const batch of batches) {
        const ops: Op[] = []
        for (const { key: name, volatile, remove } of batch) {
          if (remove) {
            ops.push({ type: 'delete', key: name })
            model.delete(name)
          } else {
            const value = String(count++)
            ops.push(put(name, value, volatile))
            model.set(name, { value, volatile })
          }
        }
        await engine.commit({ ops })
      }
      const order = ['a', 'b', 'c', 'd', 'é', '\u{10000}'].filter((name) => model.has(name))
      const all = order.map((name) => `${name}=${model.get(name)?.value}`)
      expect(await contents(engine, reverse)).toEqual(reverse ? all.reverse() : all)
      const durable = order.filter((name) => model.get(name)?.volatile === false)
      expect(await contents(inner)).toEqual(
        durable.map((name) => `${name}=${model.get(name)?.value}`),
      )
    }),
  )
})
