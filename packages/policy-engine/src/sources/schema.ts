/** JSON Schemas (2020-12) of foreign documents, for editors. `compile` is stricter and has the last word. */

import { ID, PRINCIPAL } from '../rule.ts'
import type { JsonSchema } from '../schema.ts'
import { ACL_ACTIONS } from './acl/actions.ts'
import { LIBVIRT_ACTIONS } from './libvirt/permissions.ts'
import { LIBVIRT_USAGES, UUID } from './libvirt/source.ts'
import { VAULT_ACTIONS } from './vault/words.ts'

const TEXT: JsonSchema = { type: 'string' }
const WORD: JsonSchema = { type: 'string', minLength: 1 }
const FLAG: JsonSchema = { type: 'boolean' }
const COUNT: JsonSchema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }
const PATH: JsonSchema = { type: 'string', pattern: String.raw`^\/[^*]*$` }

const listOf = (items: JsonSchema, minItems = 0): JsonSchema => ({ type: 'array', minItems, items })
const mapOf = (values: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: values })
const objectOf = (
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema => ({ type: 'object', properties, required, additionalProperties: false })

const documentOf = (source: string, properties: Readonly<Record<string, JsonSchema>>): JsonSchema =>
  objectOf(
    {
      id: { type: 'string', pattern: ID.source },
      source: { const: source },
      description: TEXT,
      principals: listOf(
        { anyOf: [{ const: '*' }, { type: 'string', pattern: PRINCIPAL.source }] },
        1,
      ),
      mount: PATH,
      ...properties,
    },
    ['id', 'source', 'principals', 'mount', ...Object.keys(properties)],
  )

const DURATION: JsonSchema = {
  anyOf: [COUNT, { type: 'string', pattern: String.raw`^(?:\d{1,10}|(?:\d{1,10}[smhd])+)$` }],
}
const VAULT_RULE = objectOf(
  {
    capabilities: listOf({ enum: [...Object.keys(VAULT_ACTIONS.data), 'sudo', 'deny'] }),
    policy: { enum: ['deny', 'read', 'write', 'sudo'] },
    allowed_parameters: mapOf(listOf({})),
    denied_parameters: mapOf(listOf({})),
    required_parameters: listOf(TEXT),
    min_wrapping_ttl: DURATION,
    max_wrapping_ttl: DURATION,
    mfa_methods: listOf(TEXT),
    pagination_limit: COUNT,
    expiration: { type: 'string', pattern: String.raw`^\d{4}-\d\d-\d\dT` },
    list_scan_response_keys_filter_path: TEXT,
    comment: TEXT,
  },
  [],
)
const VAULT = documentOf('vault', {
  apiMount: WORD,
  policies: listOf(
    objectOf(
      {
        name: { type: 'string', pattern: String.raw`^[a-z0-9][a-z0-9._@\/-]{0,127}$` },
        path: mapOf(VAULT_RULE),
      },
      ['name', 'path'],
    ),
  ),
})

// setec ignores what it does not know, and takes null for nothing.
const SETEC_TEXTS: JsonSchema = { anyOf: [{ type: 'null' }, listOf(TEXT)] }
const SETEC = documentOf('setec', {
  rules: listOf({ type: 'object', properties: { action: SETEC_TEXTS, secret: SETEC_TEXTS } }),
})

const SECOND: JsonSchema = { type: 'integer', minimum: 0, maximum: 86_400 }
const conditionOf = (
  type: string,
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema => objectOf({ type: { const: type }, ...properties }, ['type', ...required])
const ACL_CONDITION: JsonSchema = {
  anyOf: [
    conditionOf('time_range', { start_time: SECOND, end_time: SECOND, zone: WORD }, [
      'start_time',
      'end_time',
    ]),
    conditionOf('ip_range', { min_ip: WORD, max_ip: WORD }, ['min_ip', 'max_ip']),
    conditionOf('require_mfa', { require_mfa: FLAG }, []),
    conditionOf('require_tpm', { require_tpm: FLAG }, []),
  ],
}
const ACL = objectOf(
  {
    owner: WORD,
    owner_group: TEXT,
    permissions: listOf(
      objectOf(
        {
          principal_type: { enum: ['user', 'group', 'role', 'service', 'account'] },
          principal_name: WORD,
          actions: listOf({ enum: Object.keys(ACL_ACTIONS) }, 1),
          conditions: listOf(ACL_CONDITION),
        },
        ['principal_type', 'principal_name', 'actions'],
      ),
    ),
    inheritance: objectOf({ mode: { enum: ['none', 'parent', 'all'] }, depth: COUNT }, ['mode']),
  },
  [],
)

const LIBVIRT = documentOf('libvirt', {
  rules: listOf(
    objectOf(
      {
        permissions: listOf({ enum: Object.keys(LIBVIRT_ACTIONS) }, 1),
        secrets: listOf({ anyOf: [{ const: '*' }, { type: 'string', pattern: UUID.source }] }, 1),
        usage: objectOf({ type: { enum: LIBVIRT_USAGES }, id: TEXT }, ['type']),
      },
      ['permissions'],
    ),
  ),
})

/** Schemas of the documents of each source. */
export const FOREIGN_SCHEMAS: readonly JsonSchema[] = [
  VAULT,
  SETEC,
  documentOf('acl', { acls: mapOf(ACL) }),
  LIBVIRT,
]
