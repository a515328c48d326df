/** The part of the Secrets API in the OpenAPI document (specs: secrets-api §2). */
import * as z from 'zod'
import { SECRETS_ENDPOINTS, SECRETS_EVENTS_PATH } from './secrets-endpoints.ts'

type Json = Record<string, unknown>

const JSON_TYPE = 'application/json'

const uri = z.string().meta({
  description: 'Canonical URI, such as openbao+kv2://secret/app/api#token?version=3',
})
const version = z.int().min(1).max(2_147_483_647)
const versions = z.array(version).min(1).max(100)
const value = z.union([z.string(), z.number(), z.boolean(), z.record(z.string(), z.unknown())])
const cas = z.int().min(0).optional()
const transfer = z.object({ fromUri: uri, toUri: uri, overwrite: z.boolean().optional() })
const ofVersions = z.object({ uri, versions })

/** Bodies, by what is asked. */
const REQUESTS: Readonly<Record<string, z.ZodType>> = Object.freeze({
  write: z.object({ uri, value, cas }),
  rotate: z.object({ uri, value }),
  owner: z.object({ uri, owner: z.string().min(1).max(512) }),
  undelete: ofVersions,
  'destroy-versions': ofVersions,
  bulk: z.object({
    operations: z
      .array(
        z.object({
          op: z.enum(['set', 'delete', 'destroy', 'undelete', 'rotate']),
          uri,
          value: value.optional(),
          versions: versions.optional(),
        }),
      )
      .min(1)
      .max(100),
    continueOnError: z.boolean().optional(),
  }),
  copy: transfer,
  move: transfer,
})

const atVersion = version.nullable()
const written = z.object({ status: z.string(), uri: z.string(), version: atVersion })
const changed = z.object({ status: z.string(), uri: z.string(), versions })
const page = { total: z.int(), offset: z.int(), limit: z.int() }
const transferred = z.object({
  status: z.string(),
  fromUri: z.string(),
  toUri: z.string(),
  version: atVersion,
})

/** Answers, by what is asked. */
const ANSWERS: Readonly<Record<string, z.ZodType>> = Object.freeze({
  write: written,
  read: z.record(z.string(), z.unknown()),
  value: z.object({ uri: z.string(), value, version: atVersion }),
  delete: z.object({ ...written.shape, mode: z.string() }),
  rotate: z.object({
    status: z.string(),
    uri: z.string(),
    old_version: atVersion,
    new_version: atVersion,
  }),
  list: z.object({
    items: z.array(z.object({ uri: z.string(), keys: z.array(z.string()) })),
    ...page,
  }),
  keys: z.object({ uri: z.string(), keys: z.array(z.string()) }),
  metadata: z.looseObject({
    uri: z.string(),
    current_version: z.int(),
    custom_metadata: z.record(z.string(), z.string()),
    versions: z.record(z.string(), z.unknown()),
  }),
  versions: z.object({
    uri: z.string(),
    current_version: z.int(),
    versions: z.array(
      z.looseObject({ version, state: z.enum(['active', 'deleted', 'destroyed']) }),
    ),
  }),
  owner: z.object({ status: z.string(), uri: z.string(), owner: z.string() }),
  search: z.object({
    items: z.array(z.object({ uri: z.string(), kind: z.enum(['key', 'path', 'folder']) })),
    ...page,
  }),
  undelete: changed,
  'destroy-versions': changed,
  bulk: z.object({
    results: z.array(
      z.looseObject({ index: z.int(), op: z.string(), ok: z.boolean(), status: z.int() }),
    ),
    summary: z.object({
      total: z.int(),
      succeeded: z.int(),
      failed: z.int(),
      skipped: z.int(),
    }),
  }),
  copy: transferred,
  move: transferred,
  audit: z.object({ items: z.array(z.record(z.string(), z.unknown())), ...page }),
})

const SUMMARIES: Readonly<Record<string, string>> = Object.freeze({
  write: 'Create or change a secret, or a key of it',
  read: 'Read of YAML, by its URI',
  value: 'Read a value, of any provider',
  delete: 'Delete a secret, or a key of it; with destroy for ever',
  rotate: 'Set another value, and say which versions it was and is',
  list: 'Names below a prefix of YAML',
  keys: 'Keys of a node of YAML',
  metadata: 'Metadata of a secret of KV version 2',
  versions: 'Versions of a secret of KV version 2',
  owner: 'Set the owner of a secret of KV version 2',
  search: 'Find by names; values are not searched',
  undelete: 'Bring versions back',
  'destroy-versions': 'Destroy versions for ever',
  bulk: 'Up to 100 changes, one after the other',
  copy: 'Copy a secret, or a key of it',
  move: 'Copy, and delete where it was',
  audit: 'Events of late, for development',
})

/** Parameters of the query, by what is asked; those that are needed begin with `!`. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = Object.freeze({
  read: ['!uri'],
  value: ['!uri', 'version'],
  delete: ['!uri', 'destroy'],
  list: ['!prefix', 'mount', 'offset', 'limit'],
  keys: ['uri', 'mount', 'prefix'],
  metadata: ['!uri'],
  versions: ['!uri'],
  search: ['!q', 'prefix', 'offset', 'limit'],
  audit: [
    ...['event_type', 'effect', 'purpose', 'subject', 'provider', 'resource_ref'],
    ...['correlation_id', 'since', 'until', 'offset', 'limit'],
  ],
})

const SCHEMAS: Readonly<Record<string, Json>> = Object.freeze({
  version: { type: 'integer', minimum: 1, maximum: 2_147_483_647 },
  destroy: { type: 'boolean', default: false },
  offset: { type: 'integer', minimum: 0, default: 0 },
  limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  q: { type: 'string', minLength: 1, maxLength: 256 },
  since: { type: 'string', format: 'date-time' },
  until: { type: 'string', format: 'date-time' },
})

/** Error of the API, for the schemas of the document. */
export const SECRETS_ERROR_SCHEMA: Json = {
  type: 'object',
  required: ['error', 'code', 'message', 'correlation_id'],
  properties: {
    error: { type: 'string' },
    code: { type: 'string' },
    message: { type: 'string' },
    details: { type: 'object' },
    correlation_id: { type: 'string' },
  },
}

/** All of its paths. Its callers may have tokens of other issuers too. */
export function secretsPaths(): Record<string, Json> {
  const paths: Record<string, Json> = {}
  for (const [path, endpoint] of Object.entries(SECRETS_ENDPOINTS)) {
    const operations = Object.entries(endpoint).map(([method, route]) => [
      method.toLowerCase(),
      operation(route),
    ])
    paths[path] = Object.fromEntries(operations)
  }
  paths[SECRETS_EVENTS_PATH] = {
    get: {
      operationId: 'secrets_events',
      summary: 'Events as they come, for development',
      parameters: [header('Last-Event-ID', { type: 'integer', minimum: 0 })],
      responses: {
        200: {
          description: 'A stream of events',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
        ...failures(),
      },
    },
  }
  return paths
}

function operation(route: string): Json {
  const request = REQUESTS[route]
  const answer = json('Done', schemaOf(ANSWERS[route] as z.ZodType))
  return {
    operationId: `secrets_${route.replace('-', '_')}`,
    summary: SUMMARIES[route],
    parameters: [
      header('X-Correlation-Id', { type: 'string', pattern: '^[A-Za-z0-9._-]{1,128}$' }),
      ...(PARAMETERS[route] ?? []).map(parameter),
    ],
    ...(request === undefined
      ? {}
      : {
          requestBody: { required: true, content: { [JSON_TYPE]: { schema: schemaOf(request) } } },
        }),
    responses: {
      200: answer,
      ...(route === 'bulk' ? { 207: { ...answer, description: 'Done, but not all of it' } } : {}),
      ...failures(),
    },
  }
}

function parameter(text: string): Json {
  const required = text.startsWith('!')
  const name = required ? text.slice(1) : text
  return { name, in: 'query', required, schema: SCHEMAS[name] ?? { type: 'string' } }
}

function header(name: string, schema: Json): Json {
  return { name, in: 'header', required: false, schema }
}

function failures(): Json {
  return { default: json('Refused', { $ref: '#/components/schemas/SecretsError' }) }
}

function json(description: string, schema: Json): Json {
  return { description, content: { [JSON_TYPE]: { schema } } }
}

function schemaOf(schema: z.ZodType): Json {
  const made = z.toJSONSchema(schema, { io: 'input' }) as Json
  const { $schema, '~standard': _, ...rest } = made
  return rest
}
