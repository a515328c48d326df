/** The part of AuthZEN in the OpenAPI document: Authorization API 1.0, sections 5 to 9. */
import * as z from 'zod'

type Json = Record<string, unknown>

const properties = z.record(z.string(), z.unknown()).optional()
const entity = z.looseObject({ type: z.string(), id: z.string(), properties })
const action = z.looseObject({ name: z.string(), properties })
const context = z.looseObject({ supported_obligations: z.array(z.string()).optional() }).optional()
const evaluation = z.looseObject({ subject: entity, action, resource: entity, context })
const parts = {
  subject: entity.optional(),
  action: action.optional(),
  resource: entity.optional(),
  context,
}
const decision = z.looseObject({ decision: z.boolean(), context: properties })

const REQUESTS: Readonly<Record<string, z.ZodType>> = Object.freeze({
  evaluation,
  evaluations: z.looseObject({
    ...parts,
    evaluations: z.array(z.looseObject(parts)).max(1000).optional(),
    options: z
      .looseObject({
        evaluations_semantic: z
          .enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])
          .optional(),
      })
      .optional(),
  }),
  'search/action': z.looseObject({ subject: entity, resource: entity, context }),
})

const ANSWERS: Readonly<Record<string, z.ZodType>> = Object.freeze({
  evaluation: decision,
  evaluations: z.union([z.object({ evaluations: z.array(decision) }), decision]),
  'search/action': z.object({ results: z.array(z.object({ name: z.string() })) }),
})

const SUMMARIES: Readonly<Record<string, string>> = Object.freeze({
  evaluation: 'Whether a subject may do something to a resource (AuthZEN)',
  evaluations: 'The same of up to 1,000 questions (AuthZEN)',
  'search/action': 'All that a subject may do to a resource (AuthZEN)',
})

/** What of it needs a caller, and its metadata, which do not. */
export function authzenPaths(): Record<string, Json> {
  const paths: Record<string, Json> = {
    '/.well-known/authzen-configuration': {
      get: {
        operationId: 'authzen_configuration',
        summary: 'What of AuthZEN is offered, and where',
        security: [],
        responses: { 200: json('Names of routes', { type: 'object' }) },
      },
    },
  }
  for (const [name, request] of Object.entries(REQUESTS)) {
    const header = { name: 'X-Request-ID', in: 'header', schema: { type: 'string' } }
    paths[`/access/v1/${name}`] = {
      post: {
        operationId: `authzen_${name.replace('/', '_')}`,
        summary: SUMMARIES[name],
        parameters: [header],
        requestBody: { required: true, content: { [JSON_TYPE]: { schema: schemaOf(request) } } },
        responses: {
          200: json('Decided; a denial is one', schemaOf(ANSWERS[name] as z.ZodType)),
          default: json('Refused, and why', { type: 'string' }),
        },
      },
    }
  }
  return paths
}

const JSON_TYPE = 'application/json'

function json(description: string, schema: Json): Json {
  return { description, content: { [JSON_TYPE]: { schema } } }
}

function schemaOf(schema: z.ZodType): Json {
  const made = z.toJSONSchema(schema, { io: 'input' }) as Json
  const { $schema, '~standard': _, ...rest } = made
  return rest
}
