/** JSON Schema (2020-12) of a policy document of any source, for editors and forms. `compile` is stricter and has the last word. */

import { ACTIONS } from './action.ts'
import { CLOCK_TIME, PROOFS } from './condition.ts'
import { MAX_PATTERN_BYTES } from './pattern.ts'
import { ID, PRINCIPAL } from './rule.ts'
import { MAX_SECRET_CHARS, MAX_SECRET_SEGMENT, SECRET_SCHEMES } from './secret-uri.ts'
import { FOREIGN_SCHEMAS } from './sources/schema.ts'

/** A JSON Schema as a plain, frozen object. */
export type JsonSchema = { readonly [key: string]: unknown }

const SEGMENT = String.raw`(?!\.{1,2}(?:\/|$))(?:\*(?!\*)|[^*\/\p{Cc}?[\]|&;$<>\\!"${'`'}])+`
const RESOURCE = String.raw`^(?:\/|(?:\/${SEGMENT})+(?:\/\*\*)?|\/\*\*)$`

const SCHEMES = SECRET_SCHEMES.map((scheme) => scheme.replace('+', String.raw`\+`)).join('|')
const SECRET_SEGMENT = String.raw`(?!\.(?:\/|$))(?![^\/]*\.\.)(?:\*(?!\*)|[A-Za-z0-9._-]){1,${MAX_SECRET_SEGMENT}}`
const SECRET = String.raw`^(?:${SCHEMES}):\/\/(?:\*\*|(?:${SECRET_SEGMENT}\/)+(?:\*\*|${SECRET_SEGMENT}))$`

const text = (pattern: RegExp): JsonSchema => ({ type: 'string', pattern: pattern.source })
const listOf = (items: JsonSchema, minItems = 1): JsonSchema => ({ type: 'array', minItems, items })
const objectOf = (
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema => ({ type: 'object', properties, required, additionalProperties: false })

const ID_TEXT = text(ID)
const DESCRIPTION: JsonSchema = { type: 'string' }
const WORD: JsonSchema = { type: 'string', minLength: 1 }
const COUNT: JsonSchema = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }

const CONDITIONS: JsonSchema = {
  ...objectOf(
    {
      time: objectOf({ from: text(CLOCK_TIME), to: text(CLOCK_TIME), zone: WORD }, ['from', 'to']),
      ip: listOf(text(/^[0-9A-Fa-f:.]+(?:\/\d{1,3})?$/)),
      mfa: { type: 'boolean' },
      door: listOf(WORD),
      proof: listOf({ enum: PROOFS }),
      purpose: listOf(WORD),
      metadata: { type: 'object', minProperties: 1, additionalProperties: { type: 'string' } },
    },
    [],
  ),
  minProperties: 1,
}

const RULE: JsonSchema = {
  ...objectOf(
    {
      id: ID_TEXT,
      description: DESCRIPTION,
      effect: { enum: ['allow', 'deny'] },
      principals: listOf({ anyOf: [{ const: '*' }, text(PRINCIPAL)] }),
      actions: listOf({ enum: ACTIONS }),
      resources: listOf({
        anyOf: [
          { type: 'string', maxLength: MAX_PATTERN_BYTES, pattern: RESOURCE },
          { type: 'string', maxLength: MAX_SECRET_CHARS, pattern: SECRET },
        ],
      }),
      when: CONDITIONS,
      unless: CONDITIONS,
      obligations: { ...objectOf({ ttlSeconds: COUNT, maxUses: COUNT }, []), minProperties: 1 },
    },
    ['id', 'effect', 'principals', 'actions', 'resources'],
  ),
  if: { required: ['effect'], properties: { effect: { const: 'deny' } } },
  then: { not: { required: ['obligations'] } },
}

const NATIVE = objectOf({ id: ID_TEXT, description: DESCRIPTION, rules: listOf(RULE, 0) }, [
  'id',
  'rules',
])

/** Schema of one `PolicyDocument` or `ForeignDocument`. Patterns are ECMA-262 with the `u` flag. */
export const POLICY_SCHEMA: JsonSchema = deepFreeze({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Policy document',
  oneOf: [NATIVE, ...FOREIGN_SCHEMAS],
})

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member)
    Object.freeze(value)
  }
  return value
}
