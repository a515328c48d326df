/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a store shows when it fails, and what it asks for. */
import type { GetResponse } from '@secreg/protocol'
import { registrySource } from '@secreg/store'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'

describe('class 22: what fails shows no value', () => {
  const value = createCanary('value')

  test.each<[string, () => Promise<GetResponse>]>([
    ['an answer of another type', async () => ({ value: [value], version: value }) as never],
    ['a value that is no base64', async () => ({ value: `!${value}`, type: 'bytes' }) as never],
  ])('%s', async (_what, get) => {
    const { signal } = new AbortController()
    const shown = await shownByFailure(() => registrySource({ get }).get('/a', { signal }))
    expect(shown).toBeDefined()
    expect(shown).not.toContain(value)
  })
})

describe('class 28: a name is asked for as it is', () => {
  test.each(['/a/../b', '../x', '/a/%2e%2e/b', '/a?b', '/a#b', '/a\0b', '/a\nb'])(
    '%j',
    async (name) => {
      const asked: string[] = []
      const source = registrySource({
        get: async ({ key }) => {
          asked.push(key)
          return { value: 'x', type: 'string', encrypted: false, version: 1, modify_revision: 1 }
        },
      })
      await source.get(name, { signal: new AbortController().signal })
      expect(asked).toEqual([name])
    },
  )
})
