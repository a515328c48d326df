/** `X-Correlation-Id`: what a request, its answer and its records have in common (specs: secrets-api §2.1). */
import { randomUUID } from 'node:crypto'
import type { Exchange } from './route.ts'

/** What may be one, and what else a caller may say of himself there. */
const WORD = /^[A-Za-z0-9._-]{1,128}$/

const ids = new WeakMap<Exchange, string>()

/** The id of a request: its own where it has a good one, else a new one; always the same for the same request. */
export function correlationIdOf(exchange: Exchange): string {
  let id = ids.get(exchange)
  if (id === undefined) {
    id = wordOf(exchange, 'x-correlation-id') ?? randomUUID()
    ids.set(exchange, id)
  }
  return id
}

/**
 * Value of a header that is one word.
 *
 * @param name - in lower case
 * @returns undefined where there is none, where there are two, or where it is none
 */
export function wordOf({ facts: { headers } }: Exchange, name: string): string | undefined {
  let word: string | undefined
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if ((headers[at] as string).toLowerCase() !== name) continue
    if (word !== undefined) return undefined
    word = headers[at + 1] as string
  }
  return word !== undefined && WORD.test(word) ? word : undefined
}
