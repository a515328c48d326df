/** The interface as an OpenAPI 3.1 document, made of the schemas that requests are checked with. */
import { REQUESTS } from '@secreg/protocol/messages'
import {
  SETEC_OPERATIONS,
  secretInfoSchema,
  secretValueSchema,
  versionSchema,
} from '@secreg/setec/server'
import * as z from 'zod'
import type { Answer } from '../server/answer.ts'
import { authzenPaths } from './authzen-openapi.ts'
import { REGISTRY_REQUESTS } from './registry-route.ts'
import type { Route } from './route.ts'
import { SECRETS_ERROR_SCHEMA, secretsPaths } from './secrets-openapi.ts'

type Json = Record<string, unknown>

/** Schemas of the bodies of setec's operations (specs/setec.md §1.1, §1.2). */
const name = z.string().meta({ description: 'Name of the secret' })
const number = z.int().min(0).max(4_294_967_295)
const value = z.base64().nullable()
const SETEC_REQUESTS: Readonly<Record<string, z.ZodType>> = Object.freeze({
  list: z.object({}),
  get: z.object({
    Name: name,
    Version: number.optional(),
    UpdateIfChanged: z.boolean().optional(),
  }),
  info: z.object({ Name: name }),
  put: z.object({ Name: name, Value: value }),
  'create-version': z.object({ Name: name, Version: versionSchema, Value: value }),
  activate: z.object({ Name: name, Version: versionSchema }),
  delete: z.object({ Name: name }),
  'delete-version': z.object({ Name: name, Version: versionSchema }),
})
const NOTHING = z.object({})
const SETEC_ANSWERS: Readonly<Record<string, z.ZodType>> = Object.freeze({
  list: z.array(secretInfoSchema).nullable(),
  get: secretValueSchema,
  info: secretInfoSchema,
  put: versionSchema,
  'create-version': NOTHING,
  activate: NOTHING,
  delete: NOTHING,
  'delete-version': NOTHING,
})

const JSON_TYPE = 'application/json'
const TEXT_TYPE = 'text/plain; charset=utf-8'

/** `GET /openapi.json`. */
export function openapiRoute(version: string): Route {
  let answer: Answer | undefined
  return {
    name: 'openapi',
    path: '/openapi.json',
    methods: ['GET', 'HEAD'],
    answer: () => {
      answer ??= {
        status: 200,
        contentType: JSON_TYPE,
        body: JSON.stringify(openapiDocument(version)),
      }
      return answer
    },
  }
}

/** Make the document (OpenAPI Specification 3.1.0). @param version - of this gateway */
export function openapiDocument(version: string): Json {
  const paths: Record<string, Json> = {
    '/health': { get: open('health', 'Whether the process answers', 503) },
    '/ready': { get: open('ready', 'Whether requests would be served', 503) },
    '/openapi.json': { get: open('openapi', 'This document') },
    '/': {
      get: {
        operationId: 'dashboard',
        summary: 'Page of the secrets that the caller may see, without their values',
        responses: {
          200: { description: 'A page', content: { 'text/html': { schema: { type: 'string' } } } },
          default: text('Refused'),
        },
      },
    },
    '/metrics': {
      get: {
        operationId: 'metrics',
        summary: 'Figures of the gateway in the text format of Prometheus',
        responses: { 200: text('Figures'), ...failures() },
      },
    },
  }
  for (const request of REGISTRY_REQUESTS) {
    paths[`/registry/${request}`] = {
      post: {
        operationId: `registry_${request}`,
        summary: `Request ${request} of the registry protocol`,
        requestBody: { content: { [JSON_TYPE]: { schema: schemaOf(REQUESTS[request].schema) } } },
        responses: { 200: json('Its answer', { type: 'object' }), ...failures() },
      },
    }
  }
  Object.assign(paths, authzenPaths(), secretsPaths())
  for (const operation of SETEC_OPERATIONS) {
    paths[`/api/${operation}`] = { post: setec(operation) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'secreg-gateway', version, license: { name: 'MIT', identifier: 'MIT' } },
    security: [{ bearer: [] }, { basic: [] }, { vaultToken: [] }],
    paths,
    components: {
      schemas: {
        SecretsError: SECRETS_ERROR_SCHEMA,
        Error: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['code', 'name', 'reason', 'message'],
              properties: {
                code: { type: 'integer', minimum: 0, maximum: 8 },
                name: { type: 'string' },
                reason: { type: 'string' },
                message: { type: 'string' },
                errno: { type: 'integer' },
                retry_after: { type: 'number' },
                min_revision: { type: 'integer' },
                pointer: { type: 'string' },
              },
            },
          },
        },
      },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic' },
        vaultToken: { type: 'apiKey', in: 'header', name: 'X-Vault-Token' },
      },
    },
  }
}

function setec(operation: string): Json {
  return {
    operationId: `setec_${operation.replace('-', '_')}`,
    summary: `setec's operation ${operation}`,
    parameters: [
      {
        name: 'Sec-X-Tailscale-No-Browsers',
        in: 'header',
        required: true,
        schema: { type: 'string', const: 'setec' },
      },
    ],
    requestBody: {
      required: true,
      content: { [JSON_TYPE]: { schema: schemaOf(SETEC_REQUESTS[operation] ?? NOTHING) } },
    },
    responses: {
      200: json('Done', schemaOf(SETEC_ANSWERS[operation] ?? NOTHING)),
      ...(operation === 'get' ? { 304: { description: 'The caller has the active version' } } : {}),
      default: text('Refused'),
    },
  }
}

function open(operationId: string, summary: string, refused?: number): Json {
  const schema = { type: 'object' }
  return {
    operationId,
    summary,
    security: [],
    responses: {
      200: json('Yes', schema),
      ...(refused === undefined ? {} : { [refused]: json('No', schema) }),
    },
  }
}

function failures(): Json {
  return { default: json('Refused', { $ref: '#/components/schemas/Error' }) }
}

function json(description: string, schema: Json): Json {
  return { description, content: { [JSON_TYPE]: { schema } } }
}

function text(description: string): Json {
  return { description, content: { [TEXT_TYPE]: { schema: { type: 'string' } } } }
}

/** JSON Schema 2020-12, which OpenAPI 3.1 takes; what only code can check is left open. */
function schemaOf(schema: z.ZodType): Json {
  const made = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json
  // The dialect is that of the whole document.
  const { $schema, '~standard': _, ...rest } = made
  return rest
}
