import { describe, expect, test } from 'vitest'
import { decided, differences, GROUPS } from '../server/recorded.ts'
import { registrySite, siteOf } from './site.ts'

describe('steps recorded from setec itself, over a registry with its policies', () => {
  for (const [group, steps] of GROUPS) {
    test(group, async () => {
      const registry = await registrySite()
      expect(await differences(steps, siteOf(registry))).toEqual(decided(steps))
      await registry.close()
    })
  }
})
