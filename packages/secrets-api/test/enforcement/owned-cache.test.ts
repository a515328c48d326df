import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OwnedCache, sizeOfKey } from '../../src/enforcement/owned-cache.ts'

/** The same, as slowly as can be: entries in order of use. */
class Model {
  entries: { key: string; owner: string; value: number }[] = []
  readonly #bytes: number
  readonly #ownerBytes: number

  constructor(bytes: number, ownerBytes: number) {
    this.#bytes = bytes
    this.#ownerBytes = ownerBytes
  }

  bytesOf(owner?: string): number {
    const of = this.entries.filter((entry) => owner === undefined || entry.owner === owner)
    return of.reduce((sum, { key }) => sum + sizeOfKey(key), 0)
  }

  get(key: string): number | undefined {
    const entry = this.entries.find((each) => each.key === key)
    if (entry === undefined) return undefined
    this.entries = [...this.entries.filter((each) => each !== entry), entry]
    return entry.value
  }

  set(key: string, owner: string, value: number): void {
    this.entries = this.entries.filter((each) => each.key !== key)
    const size = sizeOfKey(key)
    if (size > this.#ownerBytes) return
    while (this.bytesOf(owner) + size > this.#ownerBytes) this.#drop((each) => each.owner === owner)
    while (this.bytesOf() + size > this.#bytes) this.#drop(() => true)
    this.entries.push({ key, owner, value })
  }

  #drop(which: (entry: { owner: string }) => boolean): void {
    this.entries.splice(this.entries.findIndex(which), 1)
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'long'.repeat(40), 'd', 'e', 'huge'.repeat(400), 'f')
const owner = fc.constantFrom('x', 'y', 'z')
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant('set' as const), key, owner }) },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constantFrom('get' as const, 'delete' as const), key }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const) }) },
)

test('it keeps what the model keeps, in bounds', () => {
  let evicted = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const cache = new OwnedCache<number>({ bytes: 1600, ownerBytes: 900 })
      const model = new Model(1600, 900)
      steps.forEach((each, value) => {
        if (each.op === 'set') {
          cache.set(each.key, each.owner, value)
          const others = model.entries.filter((entry) => entry.key !== each.key).length
          model.set(each.key, each.owner, value)
          if (model.get(each.key) !== undefined && model.entries.length <= others) evicted++
        } else if (each.op === 'get') expect(cache.get(each.key)).toBe(model.get(each.key))
        else if (each.op === 'delete') {
          cache.delete(each.key)
          model.entries = model.entries.filter((entry) => entry.key !== each.key)
        } else {
          cache.clear()
          model.entries = []
        }
        const { size, bytes } = cache
        const same = size === model.entries.length && bytes === model.bytesOf() && bytes <= 1600
        expect(same).toBe(true)
      })
      for (const entry of [...model.entries]) expect(cache.get(entry.key)).toBe(entry.value)
    }),
    { numRuns: 200 },
  )
  expect(evicted).toBeGreaterThan(0)
})

test('rooms that are none', () => {
  for (const room of [
    { bytes: 0, ownerBytes: 1 },
    { bytes: 1.5, ownerBytes: 1 },
    { bytes: 10, ownerBytes: 11 },
    { bytes: 10, ownerBytes: 0 },
  ]) {
    expect(() => new OwnedCache(room)).toThrow(RangeError)
  }
})
