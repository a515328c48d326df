/** What every provider must do, whatever stands behind it. */
import type { SecretMap, SecretPlace, SecretProvider } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { laterReasonOf } from '../reason-of.ts'

const place = (...segments: string[]): SecretPlace => ({ mount: 'secret', segments })
const mapOf = (members: Record<string, string>): SecretMap => new Map(Object.entries(members))

/** @param make a provider without any secret */
export function testProvider(name: string, make: () => SecretProvider): void {
  describe(name, () => {
    test('a secret is what was written last, in whole', async () => {
      const provider = make()
      expect(await provider.read(place('a', 'b'))).toMatchObject({ kind: 'absent' })
      const { first } = await provider.write(place('a', 'b'), mapOf({ k: 'v', l: 'w' }))
      expect(first).toBe(true)
      const again = await provider.write(place('a', 'b'), mapOf({ l: 'x', __proto__x: 'y' }))
      expect(again.first).toBe(false)
      const current = await provider.read(place('a', 'b'))
      if (current.kind !== 'found') throw new Error(current.kind)
      expect(current.data).toEqual(mapOf({ l: 'x', __proto__x: 'y' }))
      expect(current.version).toBe(again.version)
      expect(await provider.read(place('a', 'c'))).toMatchObject({ kind: 'absent' })
      expect(await provider.read({ mount: 'other', segments: ['a', 'b'] })).toMatchObject({
        kind: 'absent',
      })
    })

    test('what was read can be changed without changing the secret', async () => {
      const provider = make()
      const data = new Map([['k', 'v']])
      await provider.write(place('a'), data)
      data.set('k', 'changed')
      const current = await provider.read(place('a'))
      if (current.kind !== 'found') throw new Error(current.kind)
      ;(current.data as Map<string, string>).set('k', 'changed')
      expect(await provider.read(place('a'))).toMatchObject({ data: mapOf({ k: 'v' }) })
    })

    test('a token is of one state', async () => {
      const provider = make()
      const tokenOf = async () => (await provider.read(place('a'))).token
      const absent = await tokenOf()
      expect(await tokenOf()).toBe(absent)
      await provider.write(place('a'), mapOf({ k: 'v' }), { cas: absent })
      const written = await tokenOf()
      expect(await tokenOf()).toBe(written)
      const stale = provider.write(place('a'), mapOf({ k: 'w' }), { cas: absent })
      expect(await laterReasonOf(stale)).toBe('CAS_MISMATCH')
      await provider.write(place('a'), mapOf({ k: 'w' }), { cas: written })
      for (const cas of [absent, written]) {
        const write = provider.write(place('a'), mapOf({ k: 'x' }), { cas })
        expect(await laterReasonOf(write)).toBe('CAS_MISMATCH')
        expect(await laterReasonOf(provider.remove(place('a'), cas))).toBe('CAS_MISMATCH')
      }
      expect(await provider.read(place('a'))).toMatchObject({ data: mapOf({ k: 'w' }) })
    })

    test('of two writes or removals with one token, one succeeds', async () => {
      const provider = make()
      await provider.write(place('a'), mapOf({ k: 'v' }))
      const { token } = await provider.read(place('a'))
      const results = await Promise.all([
        laterReasonOf(provider.remove(place('a'), token)),
        laterReasonOf(provider.remove(place('a'), token)),
        laterReasonOf(provider.write(place('a'), mapOf({ k: 'w' }), { cas: token })),
      ])
      expect(results.filter((reason) => reason === undefined)).toHaveLength(1)
      for (const reason of results) expect([undefined, 'CAS_MISMATCH']).toContain(reason)
    })

    test('what is removed cannot be read, and others can', async () => {
      const provider = make()
      await provider.write(place('a'), mapOf({ k: 'v' }))
      await provider.write(place('b'), mapOf({ k: 'v' }))
      await provider.remove(place('a'), (await provider.read(place('a'))).token)
      expect((await provider.read(place('a'))).kind).not.toBe('found')
      expect((await provider.read(place('b'))).kind).toBe('found')
      const { token } = await provider.read(place('a'))
      await provider.write(place('a'), mapOf({ k: 'new' }), { cas: token })
      expect(await provider.read(place('a'))).toMatchObject({ data: mapOf({ k: 'new' }) })
    })

    test('what it does not have is refused', async () => {
      const provider = make()
      await provider.write(place('a'), mapOf({ k: 'v' }))
      const { versions, customMetadata, list, entries } = provider.capabilities
      const calls: [boolean, () => Promise<unknown>][] = [
        [versions, () => provider.readVersion(place('a'), 1)],
        [versions, () => provider.undelete(place('a'), [1])],
        [versions, () => provider.destroyVersions(place('a'), [1])],
        [versions, () => provider.metadata(place('a'))],
        [customMetadata, () => provider.patchMetadata(place('a'), new Map([['owner', 'o']]))],
        [list, () => provider.list(place())],
        [entries, () => provider.entries(place())],
      ]
      for (const [has, call] of calls) {
        expect(await laterReasonOf(call)).toBe(has ? undefined : 'OPERATION_NOT_SUPPORTED')
      }
    })
  })
}
