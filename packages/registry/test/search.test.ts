import { expect, test } from 'vitest'
import type { Core } from '../src/core.ts'
import { search } from '../src/operations/search.ts'
import { start } from './fixture.ts'

test('fault: a search told the path of a hidden entry as where to go on', async () => {
  const home = await start()
  const paths = ['/a', '/b', '/hidden/1', '/hidden/2', '/hidden/3', '/y', '/z']
  for (const key of paths) await home.api.set({ key, value: 'x' })
  const core = {
    engine: home.engine,
    journal: { record: (_: string, written: () => void) => written() },
    authorizer: { filter: () => (path: string) => !path.startsWith('/hidden') },
    keys: { requireReadable: () => {} },
    clock: { now: () => 0 },
  } as unknown as Core
  for (const mostLooked of [1, 2, 3]) {
    const found: string[] = []
    const told: string[] = []
    for (let after: string | undefined, more = true; more; ) {
      const request = after === undefined ? {} : { after }
      const page = await search(core, home.admin, request, mostLooked)
      found.push(...page.entries.map(({ key }) => key))
      if (page.next !== undefined) told.push(page.next)
      after = page.next
      more = after !== undefined
    }
    expect(found).toEqual(['/a', '/b', '/y', '/z'])
    expect(told.filter((path) => path.startsWith('/hidden'))).toEqual([])
    expect(told.length).toBeGreaterThan(0)
  }
})
