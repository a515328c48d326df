/** Runs conformance cases of KV version 2 against any server: the stand-in, OpenBao or Vault. */
import { randomBytes } from 'node:crypto'
import { waitFor } from '../wait-for.ts'
import { differencesOf } from './case-match.ts'
import { ALSO_ALLOWED, NOTES, UNORDERED } from './case-notes.ts'
import { bodyText } from './case-values.ts'
import { type CaseAnswer, isRaw, sendCase, sendRaw } from './case-wire.ts'
import { isObject } from './refusal.ts'

interface CaseRequest {
  readonly method: string
  /** After `/v1/`, raw. */
  readonly path: string
  /** `null` removes one that is sent otherwise. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly body?: unknown
}

interface CaseExpectation {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly exact?: boolean
}

/** One line of `kv2-cases.jsonl`. */
export interface Kv2Case {
  readonly id: string
  readonly group: string
  readonly setup?: readonly (
    | readonly [method: string, path: string, body?: unknown]
    | { readonly sleep_ms: number }
  )[]
  readonly request: CaseRequest
  readonly expect: CaseExpectation
  readonly then?: readonly { readonly request: CaseRequest; readonly expect: CaseExpectation }[]
  readonly source: string
  readonly note?: string
}

/** A server to run cases against. */
export interface CaseTarget {
  /** Without a path. */
  readonly url: string
  /** Token that may do everything, mounts included. */
  readonly token: string
  /** Let time pass. */
  readonly advance: (milliseconds: number) => Promise<void>
}

/** Empty: the case passed. */
export type Kv2CaseOutcome = readonly string[]

export class Kv2CaseRunner {
  readonly #target: CaseTarget

  constructor(target: CaseTarget) {
    this.#target = target
  }

  /**
   * Run a case on a fresh mount of its own, which takes the place of `secret/` and is removed at the end.
   *
   * @returns differences, without any value
   * @throws Error when its setup fails
   */
  async run(one: Kv2Case): Promise<Kv2CaseOutcome> {
    const mount = `cases-${randomBytes(6).toString('hex')}`
    const call = (method: string, path: string, body?: unknown): Promise<CaseAnswer> =>
      this.#send(mount, { method, path, body })
    const made = await call('POST', `sys/mounts/${mount}`, {
      type: 'kv',
      options: { version: '2' },
    })
    if (made.status !== 204) throw new Error(`mount: status ${made.status}`)
    try {
      // A real server takes a moment until a new mount has version 2.
      await waitFor(async () => (await call('GET', 'secret/config')).status === 200)
      for (const step of one.setup ?? []) await this.#setUp(step, call)
      const answer = isRaw(one.id)
        ? await sendRaw(
            this.#target.url,
            one.id,
            targetOf(one.request.path, mount),
            this.#target.token,
          )
        : await this.#send(mount, one.request)
      const differences = compare(one.id, one.expect, answer)
      differences.push(...((await NOTES[one.id]?.({ call, answer })) ?? []))
      for (const [index, next] of (one.then ?? []).entries()) {
        const later = compare(one.id, next.expect, await this.#send(mount, next.request))
        differences.push(...later.map((text) => `then ${index + 1}: ${text}`))
      }
      return differences
    } finally {
      await call('DELETE', `sys/mounts/${mount}`)
    }
  }

  async #setUp(
    step: NonNullable<Kv2Case['setup']>[number],
    call: (method: string, path: string, body?: unknown) => Promise<CaseAnswer>,
  ): Promise<void> {
    if ('sleep_ms' in step) {
      await this.#target.advance(step.sleep_ms)
      return
    }
    if (!Array.isArray(step)) throw new Error(`setup: unknown step ${Object.keys(step).join()}`)
    const [method, path, body] = step as [string, string, unknown]
    const { status } = await call(method, path, body)
    if (status >= 300) throw new Error(`setup: ${method} ${path}: status ${status}`)
  }

  #send(mount: string, { method, path, headers = {}, body }: CaseRequest): Promise<CaseAnswer> {
    const { url, token } = this.#target
    const text = bodyText(body)
    const sent = new Map([['x-vault-token', token]])
    if (text !== undefined) sent.set('content-type', 'application/json')
    for (const [name, value] of Object.entries(headers)) {
      if (value === null) sent.delete(name.toLowerCase())
      else sent.set(name.toLowerCase(), value.replace('$ROOT', token))
    }
    return sendCase(url, method, targetOf(path, mount), Object.fromEntries(sent), text)
  }
}

function targetOf(path: string, mount: string): string {
  return `/v1/${path.replace(/^secret(?=\/|$)/, mount)}`
}

function compare(id: string, expected: CaseExpectation, answer: CaseAnswer): string[] {
  const differences: string[] = []
  const { status, headers, text } = answer
  if (status !== expected.status) {
    if (ALSO_ALLOWED[id]?.includes(status)) return []
    differences.push(`status ${status}, not ${expected.status}`)
  }
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    differences.push(...differencesOf(value, headers[name], false, name))
  }
  const { body, exact = false } = expected
  if (body === undefined) return differences
  if (isObject(body) && body['@empty'] === true) {
    return text === '' ? differences : [...differences, 'body: not empty']
  }
  let actual: unknown
  try {
    actual = JSON.parse(text)
  } catch {
    return [...differences, 'body: not JSON']
  }
  if (UNORDERED.has(id)) sortKeys(body, actual)
  return [...differences, ...differencesOf(body, actual, exact)]
}

function sortKeys(...bodies: readonly unknown[]): void {
  for (const body of bodies) (body as { data?: { keys?: string[] } }).data?.keys?.sort()
}
