import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpiringMap } from '../../src/identity/expiring-map.ts'

describe('ExpiringMap', () => {
  it('a value ends at its time', () => {
    let nowMs = 0
    const map = new ExpiringMap<number>({ maxSize: 2, nowMs: () => nowMs })
    map.set('a', 1, 10)
    nowMs = 9
    expect(map.get('a')).toBe(1)
    nowMs = 10
    expect(map.get('a')).toBeUndefined()
    expect(map.size).toBe(0)
    map.set('late', 1, 10)
    expect(map.size).toBe(0)
  })

  it('what was not used longest gives way', () => {
    const map = new ExpiringMap<number>({ maxSize: 2, nowMs: () => 0 })
    map.set('a', 1, 10)
    map.set('b', 2, 10)
    map.get('a')
    map.set('c', 3, 10)
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3])
  })

  it('is never larger than told, and tells of each value that goes', () => {
    const step = fc.record({ key: fc.nat(9), life: fc.integer({ min: -1, max: 5 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let nowMs = 0
        let held = 0
        const onDrop = (): void => void held--
        const map = new ExpiringMap<number>({ maxSize: 4, onDrop, nowMs: () => nowMs })
        for (const { key, life } of steps) {
          if (life > 0) held++
          map.set(`${key}`, key, nowMs + life)
          map.get(`${(key * 7) % 10}`)
          nowMs++
          expect(map.size).toBeLessThanOrEqual(4)
          expect(map.size).toBe(held)
        }
      }),
    )
  })
})
