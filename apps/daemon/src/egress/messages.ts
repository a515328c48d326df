/**
 * What the daemon and its egress child say to each other. The daemon asks `{ id, op, payload }`, or takes a question back
 * with `{ cancel: id }`; the child answers each question once, `{ id, ok: true, result }` or `{ id, ok: false, error }`
 * with one of {@link EGRESS_FAULTS}. Text of a peer is never in an answer to say why something failed.
 */
import * as z from 'zod'
import { type HttpQuestion, type HttpResult, httpQuestion, httpResult } from './http-messages.ts'

/** Longest messages, bytes of JSON, and how much may be under way at once. */
export const EGRESS_LIMITS: {
  /** A secret of 1 MiB, all of it characters that are escaped in JSON and once more within JSON. */
  readonly questionBytes: number
  /** A body of 2 MiB in base64, or what a broker says. */
  readonly answerBytes: number
  readonly questions: number
  /**
   * Of these, the exchanges over HTTP, so that there is always room for events: two servers of secrets with 64 calls, a
   * login and a renewal each, 16 questions to a decision point, the keys of issuers, and what was taken back.
   */
  readonly httpQuestions: number
  /** Bytes of all questions of HTTP that are under way. */
  readonly httpQuestionBytes: number
} = Object.freeze({
  questionBytes: 4 * 1024 * 1024,
  answerBytes: 4 * 1024 * 1024,
  questions: 192,
  httpQuestions: 176,
  httpQuestionBytes: 24 * 1024 * 1024,
})

/** Everything that the child can say went wrong. */
export type EgressFault =
  /** The question is not one that the child knows. */
  | 'INVALID'
  /** It was taken back. */
  | 'CANCELLED'
  /** What the operation needs is not installed. */
  | 'UNSUPPORTED'
  /** No connection was made: nothing can have arrived. */
  | 'NOT_SENT'
  /** No connection, or it broke. */
  | 'UNREACHABLE'
  /** The peer could not show who it is. */
  | 'TLS_FAILED'
  /** The peer does not let us in, or not there. */
  | 'NOT_ALLOWED'
  /** The peer did not answer in time. */
  | 'PEER_TIMEOUT'
  /** The peer says that it cannot do it now. */
  | 'PEER_FAILED'
  /** The peer does not take that much at once. */
  | 'PEER_TOO_LARGE'
  /** The peer does not take it. */
  | 'PEER_REFUSED'
  /** A fault of the child. */
  | 'INTERNAL'

/** Every {@link EgressFault}. */
export const EGRESS_FAULTS: readonly EgressFault[] = Object.freeze([
  'INVALID',
  'CANCELLED',
  'UNSUPPORTED',
  'NOT_SENT',
  'UNREACHABLE',
  'TLS_FAILED',
  'NOT_ALLOWED',
  'PEER_TIMEOUT',
  'PEER_FAILED',
  'PEER_TOO_LARGE',
  'PEER_REFUSED',
  'INTERNAL',
] as const)

/** How to reach the brokers, with the credentials. */
export interface KafkaCluster {
  /** `host:port` each. */
  readonly brokers: string[]
  readonly clientId: string
  readonly tls: boolean
  /** Certificates that the brokers are checked against, PEM. Default: those of the system. */
  readonly ca?: string | undefined
  readonly sasl?: KafkaLogin | undefined
}

export interface KafkaLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface KafkaMessage {
  readonly key: string
  readonly value: string
  readonly headers?: Record<string, string> | undefined
}

/** Operations of the child: what they are asked with, and what they answer. */
export interface EgressOperations {
  /** Send messages, in their order, to each of the topics; answered when all replicas in sync have all of them. */
  readonly 'kafka.send': {
    readonly payload: {
      readonly cluster: KafkaCluster
      readonly topics: string[]
      readonly messages: KafkaMessage[]
    }
    readonly result: { readonly sent: number }
  }
  /** Close the connections to brokers. */
  readonly 'kafka.close': {
    readonly payload: Readonly<Record<never, never>>
    readonly result: Readonly<Record<never, never>>
  }
  /** One exchange over HTTP; whatever status is answered is a result. */
  readonly 'http.request': { readonly payload: HttpQuestion; readonly result: HttpResult }
}

/** Name of an operation. */
export type EgressOp = keyof EgressOperations

/** What an operation is asked with. */
export type EgressPayload<O extends EgressOp> = EgressOperations[O]['payload']

/** What an operation answers. */
export type EgressResult<O extends EgressOp> = EgressOperations[O]['result']

const HOST_AND_PORT = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}$/
/** Legal names of topics in Apache Kafka. */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/
const MAX_MESSAGES = 10_000
const PEM_CHARACTERS = 1024 * 1024

const kafkaCluster = z.strictObject({
  brokers: z.array(z.string().regex(HOST_AND_PORT)).min(1).max(32),
  clientId: z.string().min(1).max(249),
  tls: z.boolean(),
  /** Certificates, PEM. */
  ca: z.string().max(PEM_CHARACTERS).optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string().min(1).max(256),
      password: z.string().max(4096),
    })
    .optional(),
})

const kafkaMessage = z.strictObject({
  key: z.string().max(1024),
  value: z.string().max(EGRESS_LIMITS.questionBytes),
  headers: z.record(z.string().max(64), z.string().max(256)).optional(),
})

const nothing = z.strictObject({})

type Schemas = {
  readonly [O in EgressOp]: {
    readonly payload: z.ZodType<EgressPayload<O>>
    readonly result: z.ZodType<EgressResult<O>>
  }
}

const SCHEMAS: Schemas = {
  'kafka.send': {
    payload: z.strictObject({
      cluster: kafkaCluster,
      topics: z.array(z.string().regex(TOPIC)).min(1).max(8),
      messages: z.array(kafkaMessage).min(1).max(MAX_MESSAGES),
    }),
    result: z.strictObject({ sent: z.int().min(0) }),
  },
  'kafka.close': { payload: nothing, result: nothing },
  'http.request': { payload: httpQuestion, result: httpResult },
}

const id = z.int().min(1)

const question = z.strictObject({
  id,
  op: z.enum(Object.keys(SCHEMAS) as [EgressOp, ...EgressOp[]]),
  payload: z.unknown(),
})
const cancellation = z.strictObject({ cancel: id })

const answer = z.discriminatedUnion('ok', [
  z.strictObject({ id, ok: z.literal(true), result: z.unknown() }),
  z.strictObject({
    id,
    ok: z.literal(false),
    error: z.enum(EGRESS_FAULTS as [EgressFault, ...EgressFault[]]),
  }),
])

/** A question, its payload checked. */
export type EgressQuestion = {
  readonly [O in EgressOp]: {
    readonly id: number
    readonly op: O
    readonly payload: EgressPayload<O>
  }
}[EgressOp]

/** An answer, its result not yet checked. */
export type EgressAnswer =
  | { readonly id: number; readonly ok: true; readonly result: unknown }
  | { readonly id: number; readonly ok: false; readonly error: EgressFault }

/** What the child may be told. */
export type EgressOrder =
  | { readonly kind: 'question'; readonly question: EgressQuestion }
  | { readonly kind: 'cancel'; readonly id: number }
  /** It has an id to answer, and is nothing that the child knows. */
  | { readonly kind: 'invalid'; readonly id: number }

/** Check what the child is told; undefined is no message at all. */
export function readOrder(message: unknown): EgressOrder | undefined {
  const taken = cancellation.safeParse(message)
  if (taken.success) return { kind: 'cancel', id: taken.data.cancel }
  const asked = question.safeParse(message)
  if (!asked.success) {
    const named = z.object({ id }).safeParse(message)
    return named.success ? { kind: 'invalid', id: named.data.id } : undefined
  }
  const { op } = asked.data
  const payload = SCHEMAS[op].payload.safeParse(asked.data.payload)
  if (!payload.success) return { kind: 'invalid', id: asked.data.id }
  const checked = { id: asked.data.id, op, payload: payload.data } as EgressQuestion
  return { kind: 'question', question: checked }
}

/** Check what the child answers; undefined is no answer. */
export function readAnswer(message: unknown): EgressAnswer | undefined {
  const read = answer.safeParse(message)
  return read.success ? read.data : undefined
}

/** Check the result of an operation; undefined is none. */
export function readResult<O extends EgressOp>(
  op: O,
  result: unknown,
): EgressResult<O> | undefined {
  const read = SCHEMAS[op].result.safeParse(result)
  return read.success ? read.data : undefined
}
