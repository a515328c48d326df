import { copySecret, deleteSecret, moveSecret, type SecretProvider } from '@secreg/secrets-api'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PlainMemory, VersionedMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'
import { AUTHOR, set, uriOf } from './secrets.ts'

type Keys = Map<string, unknown>

/** What a sequence of requests leaves, said as plainly as can be: secrets by path, keys by name. */
class Model {
  readonly secrets: Map<string, Keys> = new Map()
  /** A secret without keys stays one. */
  readonly #keepsEmpty: boolean

  constructor(keepsEmpty: boolean) {
    this.#keepsEmpty = keepsEmpty
  }

  put(path: string, key: string | undefined, value: unknown): string | undefined {
    if (key === undefined) this.secrets.set(path, new Map(value as Keys))
    else this.secrets.set(path, new Map(this.secrets.get(path)).set(key, value))
    return undefined
  }

  delete(path: string, key: string | undefined): string | undefined {
    const keys = this.secrets.get(path)
    if (keys === undefined) return 'SECRET_NOT_FOUND'
    if (key !== undefined && !keys.has(key)) return 'FRAGMENT_NOT_FOUND'
    if (key !== undefined) keys.delete(key)
    if (key === undefined || (keys.size === 0 && !this.#keepsEmpty)) this.secrets.delete(path)
    return undefined
  }

  copy(from: Place, to: Place, overwrite: boolean, thenDelete: boolean): string | undefined {
    const [a, b] = [from, to]
    if ((a.key === undefined) !== (b.key === undefined)) return 'FRAGMENT_MISMATCH'
    if (a.path === b.path && a.key === b.key) return 'SAME_RESOURCE'
    const source = this.secrets.get(a.path)
    if (source === undefined) return 'SECRET_NOT_FOUND'
    if (a.key !== undefined && !source.has(a.key)) return 'FRAGMENT_NOT_FOUND'
    const there = this.secrets.get(b.path)
    const taken = b.key === undefined ? there !== undefined : there?.has(b.key) === true
    if (taken && !overwrite) return 'DESTINATION_EXISTS'
    this.put(b.path, b.key, a.key === undefined ? source : source.get(a.key))
    return thenDelete ? this.delete(a.path, a.key) : undefined
  }
}

interface Place {
  readonly path: string
  readonly key: string | undefined
}

const place: fc.Arbitrary<Place> = fc.record({
  path: fc.constantFrom('a', 'b', 'b/c'),
  key: fc.constantFrom(undefined, 'x', 'y', '__proto__'),
})
const request = fc.oneof(
  fc.record({ op: fc.constant('write' as const), at: place, value: fc.string() }),
  fc.record({ op: fc.constant('delete' as const), at: place }),
  fc.record({
    op: fc.constantFrom('copy' as const, 'move' as const),
    from: place,
    to: place,
    overwrite: fc.boolean(),
  }),
)

const at = (path: string, key?: string): Place => ({ path, key })

/** Outcomes that chance alone may miss. */
const RARE = [
  { op: 'write' as const, at: at('a'), value: 'x' },
  { op: 'write' as const, at: at('b'), value: 'x' },
  { op: 'copy' as const, from: at('a'), to: at('b'), overwrite: false },
  { op: 'delete' as const, at: at('b', 'y') },
]

const tailOf = ({ path, key }: Place) => (key === undefined ? path : `${path}#${key}`)

test.each([
  ['with versions', () => new VersionedMemory(), false],
  ['without', () => new PlainMemory(), true],
])('%s, any requests do what the model says', async (_, make, keepsEmpty) => {
  const seen = new Set<string | undefined>()
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 25, size: 'max' }), async (requests) => {
      const provider: SecretProvider = make()
      const model = new Model(keepsEmpty)
      for (const each of requests) {
        let result: Promise<string | undefined>
        let wanted: string | undefined
        if (each.op === 'write') {
          const { key, path } = each.at
          const value = key === undefined ? { [each.value]: each.value } : each.value
          result = laterReasonOf(set(provider, tailOf(each.at), value))
          wanted = model.put(
            path,
            key,
            key === undefined ? new Map([[each.value, each.value]]) : value,
          )
        } else if (each.op === 'delete') {
          result = laterReasonOf(deleteSecret(provider, uriOf(tailOf(each.at))))
          wanted = model.delete(each.at.path, each.at.key)
        } else {
          const run = each.op === 'copy' ? copySecret : moveSecret
          const end = (at: Place) => ({ provider, uri: uriOf(tailOf(at)) })
          const { overwrite } = each
          result = laterReasonOf(run(end(each.from), end(each.to), { ...AUTHOR, overwrite }))
          wanted = model.copy(each.from, each.to, overwrite, each.op === 'move')
        }
        expect(await result).toBe(wanted)
        seen.add(wanted)
        for (const path of ['a', 'b', 'b/c']) {
          const current = await provider.read(uriOf(path))
          const keys = current.kind === 'found' ? current.data : undefined
          expect(keys).toEqual(model.secrets.get(path))
        }
      }
    }),
    { numRuns: 100, examples: [[RARE]] },
  )
  expect(seen).toContain('DESTINATION_EXISTS')
  expect(seen).toContain('FRAGMENT_NOT_FOUND')
  expect(seen).toContain(undefined)
})
