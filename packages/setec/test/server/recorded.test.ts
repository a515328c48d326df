import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DECIDED } from './decided.ts'
import { decided, differences, GROUPS, memorySite } from './recorded.ts'

describe('steps recorded from setec itself', () => {
  for (const [group, steps] of GROUPS) {
    test(group, async () => {
      expect(await differences(steps, memorySite())).toEqual(decided(steps))
    })
  }

  test('there are as many as were recorded, and each that is decided otherwise is one of them', () => {
    const all = [...GROUPS.values()].flat()
    expect(all).toHaveLength(505)
    const operations = all.map(({ op }) => op).filter((op) => op !== undefined)
    expect(operations).toEqual(['restart', 'restart', 'audit'])
    const ids = new Set(all.map(({ id }) => id))
    expect(Object.keys(DECIDED).filter((id) => !ids.has(id))).toEqual([])
  })

  test('of what unmodified clients rely on, only numbers that would come twice are told otherwise', () => {
    const relied = [...GROUPS.values()].flat().filter(({ level }) => level === 'contract')
    expect(relied.length).toBeGreaterThan(250)
    const differing = relied.filter(({ id }) => DECIDED[id] !== undefined)
    expect(new Set(differing.map(({ id }) => DECIDED[id]?.[1]))).toEqual(new Set(['Q4']))
  })

  test('the README names each under its decision', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    const row = (why: string): string =>
      why === 'html'
        ? readme.slice(
            readme.indexOf('Its page is not'),
            readme.indexOf("setec's own client tells"),
          )
        : (readme.split('\n').find((line) => line.startsWith(`| ${why} |`)) ?? '')
    for (const [id, [, why]] of Object.entries(DECIDED)) expect(row(why)).toContain(`\`${id}\``)
  })
})
