import { readObligations as policyReads } from '@secreg/policy-engine/authzen'
import {
  type Obligations,
  type ReadObligations,
  readObligations,
  strictestOf,
} from '@secreg/secrets-api/enforcement'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const UNSUPPORTED: ReadObligations = { kind: 'unsupported' }
const understood = (obligations: Obligations): ReadObligations => ({
  kind: 'understood',
  obligations,
})
const BOTH = understood({ ttlSeconds: 60, maxUses: 2 })

describe('forms', () => {
  test.each([
    [
      'type and properties',
      [{ id: 'o1', type: 'custom', properties: { ttl_seconds: 60, max_uses: 2 } }],
    ],
    ['attributes', [{ id: 'o1', attributes: { ttl_s: 60, max_uses: 2 } }]],
    ['a plain object', { ttl_s: 60, max_uses: 2 }],
    ['one each', [{ attributes: { ttl_s: 60 } }, { type: 'custom', properties: { max_uses: 2 } }]],
    [
      'the strictest',
      [
        { attributes: { ttl_s: 60, max_uses: 900 } },
        { attributes: { ttl_seconds: 90, max_uses: 2 } },
      ],
    ],
    ['both spellings', { ttl_s: 99, ttl_seconds: 60, max_uses: 2 }],
  ])('%s', (_, obligations) => {
    expect(readObligations({ obligations })).toEqual(BOTH)
  })

  test('none', () => {
    for (const context of [undefined, {}, { obligations: [] }, { obligations: {} }]) {
      expect(readObligations(context)).toEqual(understood({}))
    }
    // Of an object's own members only.
    expect(readObligations(Object.create({ obligations: { max_uses: 1 } }))).toEqual(understood({}))
  })

  test.each([
    ['A14: an unknown type', [{ id: 'x', type: 'watermark' }]],
    ['one with properties', [{ id: 'x', type: 'watermark', properties: {} }]],
    ['an unknown attribute', { ttl_s: 60, watermark: true }],
    ['one whose name every object has', { constructor: 1 }],
    ['a text for a number', { ttl_s: '60' }],
    ['a fraction', { max_uses: 1.5 }],
    ['nothing', { max_uses: 0 }],
    ['less', { ttl_s: -1 }],
    ['more than can be counted', { ttl_s: 2 ** 53 }],
    ['null', { ttl_s: null }],
    ['an unknown binding', { binding: 'token' }],
    ['a binding that is a list', { binding: ['dpop'] }],
    ['two bindings', [{ attributes: { binding: 'dpop' } }, { attributes: { binding: 'mtls' } }]],
    ['a text', 'none'],
    ['a number', 1],
    ['null for all', null],
    ['a list of texts', ['custom']],
    ['a list of lists', [[]]],
    ['no attributes', [{ id: 'o1' }]],
    ['properties that are a list', [{ type: 'custom', properties: [] }]],
    ['a type that is no text', [{ type: 1, properties: {} }]],
    ['attributes where a type asks for properties', [{ type: 'custom', attributes: {} }]],
  ])('unsupported: %s', (_, obligations) => {
    expect(readObligations({ obligations })).toEqual(UNSUPPORTED)
  })

  test('step-up', () => {
    const stepUp = { id: 's', type: 'step-up', properties: { acr_values: ['urn:mfa', 7, 'urn:x'] } }
    const read = { kind: 'step-up', acrValues: ['urn:mfa', 'urn:x'] }
    expect(readObligations({ obligations: [stepUp] })).toEqual(read)
    expect(readObligations({ obligations: [{ attributes: { ttl_s: 1 } }, stepUp] })).toEqual(read)
    // Who would still be refused afterwards is not sent away to prove more.
    for (const other of [{ type: 'watermark', properties: {} }, { attributes: { x: 1 } }]) {
      expect(readObligations({ obligations: [stepUp, other] })).toEqual(UNSUPPORTED)
      expect(readObligations({ obligations: [other, stepUp] })).toEqual(UNSUPPORTED)
    }
    expect(readObligations({ obligations: [{ type: 'step-up', properties: {} }] })).toEqual({
      kind: 'step-up',
      acrValues: [],
    })
  })
})

const attribute = fc.oneof(
  fc.tuple(
    fc.constantFrom('ttl_seconds', 'ttl_s', 'max_uses'),
    fc.oneof(fc.integer(), fc.double()),
  ),
  fc.tuple(fc.constantFrom('ttl_seconds', 'ttl_s', 'max_uses'), fc.integer({ min: 1, max: 9 })),
  fc.tuple(fc.constant('binding'), fc.constantFrom('any', 'dpop', 'mtls', 'x')),
  fc.tuple(fc.constantFrom('x', '__proto__', 'toString'), fc.jsonValue()),
)
const attributes = fc
  .array(fc.oneof({ weight: 9, arbitrary: attribute }), { maxLength: 3 })
  .map((entries) => Object.fromEntries(entries))
const item = fc.oneof(
  fc.record({ id: fc.string(), type: fc.constant('custom'), properties: attributes }),
  fc.record({ id: fc.string(), attributes }),
  fc.record({ type: fc.constantFrom('step-up', 'x'), properties: attributes }),
  fc.jsonValue(),
)
const context = fc.oneof(
  fc.record({ obligations: fc.array(item, { maxLength: 3 }) }),
  fc.record({ obligations: fc.oneof(attributes, fc.jsonValue()) }),
)

test('whatever comes is read as the policy engine reads it, and never throws', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(context, (given) => {
      const here = readObligations(given as Record<string, unknown>)
      const there = policyReads(given as Record<string, unknown>)
      seen.add(here.kind)
      // It tells to step up as soon as it sees that, here everything else has to be understood first.
      if (there.kind === 'step-up') expect(here.kind).not.toBe('understood')
      else if (there.kind === 'unsupported') expect(here).toEqual(UNSUPPORTED)
      else expect(here).toEqual(there)
    }),
    { numRuns: 800 },
  )
  expect(seen).toEqual(new Set(['understood', 'step-up', 'unsupported']))
})

const obligation: fc.Arbitrary<Obligations> = fc
  .record(
    {
      ttlSeconds: fc.integer({ min: 1, max: 9 }),
      maxUses: fc.integer({ min: 1, max: 9 }),
      binding: fc.constantFrom('any' as const, 'dpop' as const, 'mtls' as const),
    },
    { requiredKeys: [] },
  )
  .map((given) => ({ ...given }))

test('what fulfils both fulfils each, in either order', () => {
  /** Whether a use under some circumstances is what an obligation allows. */
  const allows = (of: Obligations, second: number, use: number, proof: string | undefined) =>
    second < (of.ttlSeconds ?? 99) &&
    use <= (of.maxUses ?? 99) &&
    (of.binding === undefined ||
      (of.binding === 'any' ? proof !== undefined : of.binding === proof))
  fc.assert(
    fc.property(obligation, obligation, (a, b) => {
      const both = strictestOf(a, b)
      expect(strictestOf(b, a)).toEqual(both)
      expect(strictestOf(a, a)).toEqual(a)
      expect(strictestOf(a, {})).toEqual(a)
      for (let second = 0; second < 10; second++) {
        for (let use = 1; use < 11; use++) {
          for (const proof of [undefined, 'dpop', 'mtls']) {
            const expected = allows(a, second, use, proof) && allows(b, second, use, proof)
            expect(both !== undefined && allows(both, second, use, proof)).toBe(expected)
          }
        }
      }
    }),
    { numRuns: 60 },
  )
})
