/** Requests of the Secrets API: secrets of any provider, by their URIs. Their answers are those of HTTP. */
import * as z from 'zod'
import { text } from './fields.ts'
import { LIMITS } from './limits.ts'

/** What can be asked, by name; `GET …/events` is `follow`. */
export const SECRETS_ROUTES = Object.freeze([
  'write',
  'read',
  'value',
  'delete',
  'rotate',
  'list',
  'keys',
  'metadata',
  'versions',
  'owner',
  'search',
  'undelete',
  'destroy-versions',
  'bulk',
  'copy',
  'move',
  'audit',
] as const)

/** Name of something that can be asked. */
export type SecretsRoute = (typeof SECRETS_ROUTES)[number]

/** What a request over HTTP shows of its sender, from a gateway alone. */
const presented = z.object({
  /** Remote address of the caller. */
  address: text(64),
  /** A token that is not of the registry, with the word before it; one of the registry opens a session instead. */
  token: z
    .object({ scheme: z.enum(['bearer', 'dpop']), text: text(LIMITS.foreignTokenChars) })
    .optional(),
  /** Header `DPoP`, whole (RFC 9449 section 4). */
  proof: text(LIMITS.foreignTokenChars).optional(),
  /** Of the request, which a proof names: `htm` and `htu` (RFC 9449 section 4.2). */
  method: text(16),
  url: text(LIMITS.urlChars),
  /** SHA-256 of the client certificate that the gateway has verified, base64url (RFC 8705 section 3.1). */
  certificate: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .optional(),
})

const common = {
  /** What followed `?`, as it was sent. */
  query: text(LIMITS.secretsQueryChars).optional(),
  presented: presented.optional(),
  /** What the caller says of himself: nothing to rely on. */
  said: z
    .object({
      workflow_run: text(128).optional(),
      node: text(128).optional(),
      system: text(128).optional(),
    })
    .optional(),
  /** Id that the answer repeats. */
  correlation: text(128).optional(),
}

export const secretsRequest = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('ask'),
    route: z.enum(SECRETS_ROUTES),
    /** As it was sent, in UTF-8. */
    body: text(LIMITS.secretsBodyBytes).optional(),
    ...common,
  }),
  /** Wait for events: answered as soon as there are any, or after a while without. */
  z.object({
    op: z.literal('follow'),
    /** Id of the last event that is known; without, only what comes from now on. */
    after: z.int().min(0).optional(),
    /** Milliseconds. */
    wait: z.int().min(0).max(LIMITS.secretsWaitMs),
    ...common,
  }),
])
