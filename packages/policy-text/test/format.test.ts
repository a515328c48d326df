import type { PolicyDocument } from '@secreg/policy-engine'
import {
  formatPolicyJson,
  formatPolicyToml,
  type JsonObject,
  parsePolicyText,
} from '@secreg/policy-text'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const name = fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => text !== '__proto__')
const scalar = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean())
const { object } = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
  object: fc.dictionary(name, tie('value'), {
    maxKeys: 4,
    noNullPrototype: true,
  }) as fc.Arbitrary<JsonObject>,
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.array(tie('object'), { maxLength: 3 }),
    tie('object'),
  ),
}))

const web: PolicyDocument = {
  id: 'web',
  rules: [
    {
      id: 'read',
      effect: 'allow',
      principals: ['role:operator', '*'],
      actions: ['read'],
      resources: ['/app/web/**'],
      when: { mfa: true, metadata: { 'a/b': 'x' } },
      obligations: { ttlSeconds: 300 },
    },
  ],
}

describe('formatting', () => {
  it.each([
    ['json', formatPolicyJson],
    ['toml', formatPolicyToml],
  ] as const)('is undone by reading: %s', (format, write) => {
    fc.assert(
      fc.property(object, (document) => {
        expect(parsePolicyText(write(document), { format }).document).toEqual(document)
      }),
    )
  })

  it('writes what people would write', () => {
    const document = web as unknown as JsonObject
    expect(formatPolicyToml(document)).toBe(`id = "web"

[[rules]]
id = "read"
effect = "allow"
principals = [ "role:operator", "*" ]
actions = [ "read" ]
resources = [ "/app/web/**" ]

[rules.when]
mfa = true

[rules.when.metadata]
"a/b" = "x"

[rules.obligations]
ttlSeconds = 300
`)
    expect(formatPolicyJson(document)).toBe(`${JSON.stringify(web, null, 2)}\n`)
  })

  it('refuses what TOML has not', () => {
    expect(() => formatPolicyToml({ a: [null] })).toThrow(TypeError)
    expect(() => formatPolicyToml([] as unknown as JsonObject)).toThrow(TypeError)
    expect(() => formatPolicyJson(null as unknown as JsonObject)).toThrow(TypeError)
  })
})
