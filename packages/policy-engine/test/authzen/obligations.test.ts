import { readObligations, writeObligations } from '@secreg/policy-engine/authzen'
import fc from 'fast-check'
import { expect, it } from 'vitest'

const read = (obligations: unknown) => readObligations({ obligations })
const understood = (obligations: object) => ({ kind: 'understood', obligations })
const custom = (properties: unknown) => [{ id: 'o1', type: 'custom', properties }]

it('what is written is read', () => {
  const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(
      fc.record({ ttlSeconds: count, maxUses: count }, { requiredKeys: [] }),
      (obligations) => {
        expect(readObligations(writeObligations(obligations))).toEqual(understood(obligations))
      },
    ),
  )
})

it.each<[string, unknown, object]>([
  ['none', undefined, {}],
  ['an empty list', [], {}],
  ['the profile', custom({ ttl_seconds: 300, max_uses: 1 }), { ttlSeconds: 300, maxUses: 1 }],
  ['attributes', [{ id: 'x', attributes: { ttl_s: 9 } }], { ttlSeconds: 9 }],
  ['one object', { ttl_s: 300, max_uses: 2 }, { ttlSeconds: 300, maxUses: 2 }],
  ['a binding', { binding: 'dpop' }, { binding: 'dpop' }],
  [
    'the strictest',
    [...custom({ ttl_s: 9, max_uses: 1 }), ...custom({ ttl_seconds: 8, max_uses: 2 })],
    { ttlSeconds: 8, maxUses: 1 },
  ],
  ['the stricter spelling', { ttl_s: 7, ttl_seconds: 8 }, { ttlSeconds: 7 }],
  [
    'a binding beside any',
    [...custom({ binding: 'any' }), ...custom({ binding: 'mtls' }), ...custom({ binding: 'any' })],
    { binding: 'mtls' },
  ],
])('reads %s', (_name, obligations, expected) => {
  expect(read(obligations)).toEqual(understood(expected))
})

it.each<[string, unknown]>([
  ['another type', [{ id: 'x', type: 'log', properties: {} }]],
  ['an unknown attribute', { ttl_s: 1, watermark: true }],
  ['an unknown attribute in a list', custom({ max_uses: 1, notify: 'x' })],
  ['a text', 'ttl'],
  ['null', null],
  ['a list of texts', ['ttl']],
  ['no properties', [{ id: 'x', type: 'custom' }]],
  ['attributes of a typed one', [{ id: 'x', type: 'custom', attributes: { ttl_s: 1 } }]],
  ['nothing', [{}]],
  ['a time of zero', { ttl_s: 0 }],
  ['half a second', { ttl_s: 0.5 }],
  ['a number as text', { max_uses: '1' }],
  ['an unknown binding', { binding: 'password' }],
  ['two bindings', [...custom({ binding: 'dpop' }), ...custom({ binding: 'mtls' })]],
  ['what is inherited', custom(Object.create({ ttl_s: 1 }, { x: { value: 1, enumerable: true } }))],
])('does not pass over %s', (_name, obligations) => {
  expect(read(obligations)).toEqual({ kind: 'unsupported' })
})

it('reads what a subject has to prove first', () => {
  const stepUp = (properties: object) => [{ id: 'x', type: 'step-up', properties }]
  expect(read(stepUp({ acr_values: ['phr', 7] }))).toEqual({ kind: 'step-up', acrValues: ['phr'] })
  expect(read(stepUp({}))).toEqual({ kind: 'step-up', acrValues: [] })
})
