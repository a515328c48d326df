import type { ChangeEvent } from '@secreg/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isInScope, parseScope, type WatchScope } from '../src/watch/scope.ts'
import { WatchIndex } from '../src/watch/watch-index.ts'
import { reason } from './fixture.ts'

const key = fc
  .array(fc.constantFrom('a', 'ab', 'b'), { minLength: 1, maxLength: 4 })
  .map((segments) => `/${segments.join('/')}`)
const scope = fc.record<WatchScope>({
  kind: fc.constantFrom('entry', 'children', 'subtree'),
  path: fc.oneof({ weight: 4, arbitrary: key }, { weight: 1, arbitrary: fc.constant('') }),
})
const event = key.map(
  (path): ChangeEvent => ({ op: 'set', key: path, version: 1, type: 'string', encrypted: false }),
)

test('an index finds what looking at every watch finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(scope, fc.boolean()), { maxLength: 20 }),
      fc.array(event, { maxLength: 20 }),
      (scopes, events) => {
        const index = new WatchIndex<{ readonly scope: WatchScope }>()
        const watches = scopes.map(([each, stays]) => ({ scope: each, stays }))
        for (const watch of watches) index.add(watch)
        for (const watch of watches) if (!watch.stays) index.delete(watch)
        const found = new Map<object, readonly ChangeEvent[]>()
        for (const [set, own] of index.match(events)) {
          for (const watch of set) {
            expect(found.has(watch)).toBe(false)
            found.set(watch, own)
          }
        }
        for (const watch of watches) {
          const expected = watch.stays
            ? events.filter((each) => isInScope(watch.scope, each.key))
            : []
          expect(found.get(watch) ?? []).toEqual(expected)
        }
      },
    ),
  )
})

test('a prefix is of whole segments and not of its own entry; a key is of its entry alone', () => {
  const cases: [WatchScope['kind'], string, string, boolean][] = [
    ['entry', '/a', '/a', true],
    ['entry', '/a', '/a/b', false],
    ['subtree', '/a', '/a', false],
    ['subtree', '/a', '/a/b', true],
    ['subtree', '/a', '/a/b/c', true],
    ['subtree', '/a', '/ab', false],
    ['subtree', '', '/a', true],
    ['subtree', '', '/a/b', true],
    ['children', '/a', '/a/b', true],
    ['children', '/a', '/a/b/c', false],
    ['children', '/a', '/a', false],
    ['children', '', '/a', true],
    ['children', '', '/a/b', false],
  ]
  for (const [kind, path, of, expected] of cases) {
    expect(isInScope({ kind, path }, of), `${kind} ${path} ${of}`).toBe(expected)
  }
})

test('a request names one key or one prefix', () => {
  expect(parseScope({ key: '/a' })).toEqual({ kind: 'entry', path: '/a' })
  expect(parseScope({ prefix: '/a/' })).toEqual({ kind: 'subtree', path: '/a' })
  expect(parseScope({ prefix: '/', recursive: true })).toEqual({ kind: 'subtree', path: '' })
  expect(parseScope({ prefix: '/a', recursive: false })).toEqual({ kind: 'children', path: '/a' })
  for (const request of [{}, { key: '/a', prefix: '/a' }, { key: '/a', recursive: true }]) {
    expect(() => parseScope(request)).toThrow(reason('INVALID_ARGUMENT') as Error)
  }
  expect(() => parseScope({ key: '/' })).toThrow(reason('PATH_INVALID') as Error)
  expect(() => parseScope({ prefix: '/a//' })).toThrow(reason('PATH_INVALID') as Error)
})
