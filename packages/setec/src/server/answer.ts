/** Answers of the server half. */
import { JSON_TYPE } from '../api/operation.ts'
import type { Refusal } from './refusal.ts'

/** What is to be sent. */
export interface SetecAnswer {
  /** HTTP status. */
  readonly status: number
  /** `undefined`, of 304: there is neither content type nor content length. */
  readonly contentType:
    | 'application/json'
    | 'text/plain; charset=utf-8'
    | 'text/html; charset=utf-8'
    | undefined
  readonly body: string
  /** Whether to send `X-Content-Type-Options: nosniff`. */
  readonly nosniff: boolean
  /** Value of `Retry-After`, whole seconds, at least 1. */
  readonly retryAfterSeconds?: number
  /** What led to a refusal, for the log of the server; never sent. */
  readonly cause?: unknown
}

/** The caller has the active version. */
export const UNCHANGED: SetecAnswer = Object.freeze({
  status: 304,
  contentType: undefined,
  body: '',
  nosniff: false,
})

export function success(body: string): SetecAnswer {
  return { status: 200, contentType: JSON_TYPE, body, nosniff: false }
}

/** @param error - what led to it, if anything was thrown; when it says when to come again, the answer does */
export function refuse({ status, text }: Refusal, error?: unknown): SetecAnswer {
  const seconds = (error as { readonly retryAfterSeconds?: unknown } | null | undefined)
    ?.retryAfterSeconds
  return {
    status,
    contentType: 'text/plain; charset=utf-8',
    body: `${text}\n`,
    nosniff: true,
    ...(typeof seconds === 'number' && seconds >= 0
      ? { retryAfterSeconds: Math.max(1, Math.ceil(seconds)) }
      : {}),
    ...(error === undefined ? {} : { cause: error }),
  }
}
