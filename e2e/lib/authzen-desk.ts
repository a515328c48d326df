/** A registry with its gateway, rules about records, and services that ask about them by AuthZEN. */
import { addUser, makeToken, type StartedGatewaySite, startGatewaySite } from './gateway-site.ts'
import { bearer } from './http-ask.ts'
import type { AuditLine } from './site.ts'

export const EVALUATION = '/access/v1/evaluation'
export const EVALUATIONS = '/access/v1/evaluations'
export const ACTION_SEARCH = '/access/v1/search/action'

/** An allowing rule. */
export const allow = (
  id: string,
  who: string,
  actions: readonly string[],
  resources: readonly string[],
  more: object = {},
): object => ({ id, effect: 'allow', principals: [who], actions, resources, ...more })

/** The fixture of the scenario of certification, with secrets in place of records, and rights to ask. */
const RULES = {
  id: 'records',
  rules: [
    allow('alice', 'user:alice', ['read', 'decrypt', 'create', 'update'], ['/record/*']),
    allow('bob', 'user:bob', ['read', 'decrypt'], ['/record/record-1']),
    allow('editors', 'group:editors', ['create', 'update'], ['/record/**']),
    allow('soft', 'user:alice', ['delete'], ['/record/*'], { when: { mfa: true } }),
    allow('owned', 'user:bob', ['read-metadata'], ['/owned/**'], {
      when: { metadata: { owner: 'bob' } },
    }),
    allow('open', '*', ['list'], ['/record/**']),
    allow('asks', 'user:pdp', ['policy-read'], ['/**']),
    allow('asks-there', 'user:clerk', ['policy-read'], ['/record/**']),
  ],
}

export const user = (id: string) => ({ type: 'user', id })
export const record = (id: string) => ({ type: 'secret', id: `/record/${id}` })
export const question = (who: string, name: string, what = 'record-1') => ({
  subject: user(who),
  action: { name },
  resource: record(what),
})

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  readonly json: any
}

export class AuthzenDesk implements AsyncDisposable {
  readonly running: StartedGatewaySite
  /** Token of a service that may ask about everything. */
  readonly pdp: string
  /** Of one that may ask about records. */
  readonly clerk: string
  /** Of somebody who may ask about himself. */
  readonly bob: string

  private constructor(running: StartedGatewaySite, [pdp, clerk, bob]: readonly string[]) {
    this.running = running
    this.pdp = pdp as string
    this.clerk = clerk as string
    this.bob = bob as string
  }

  /** @param value - of the entries that there are */
  static async open(value: string): Promise<AuthzenDesk> {
    const running = await startGatewaySite({ http: 'workers = 2' })
    const { admin } = running
    await admin.ok('group', { op: 'add', kind: 'group', name: 'editors' })
    for (const name of ['alice', 'bob', 'pdp', 'clerk', 'gone']) await addUser(admin, name)
    await addUser(admin, 'carol', { groups: ['editors'] })
    await admin.ok('user', { op: 'disable', user: 'gone' })
    for (const key of ['/record/record-1', '/owned/his', '/owned/other']) {
      await admin.ok('set', { key, value, encrypt: true })
    }
    const custom = { owner: 'bob' }
    await admin.ok('meta', { op: 'set', key: '/owned/his', custom, granted: true })
    await admin.ok('policy', { op: 'set', document: RULES })
    const tokens: string[] = []
    for (const name of ['pdp', 'clerk', 'bob']) tokens.push((await makeToken(admin, name)).secret)
    return new AuthzenDesk(running, tokens)
  }

  /** @param token - null: none; default that of the service */
  async post(
    path: string,
    body: object | string,
    headers: Readonly<Record<string, string>> = {},
    token: string | null = this.pdp,
  ): Promise<Answer> {
    const response = await fetch(`${this.running.site.http}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: {
        'Content-Type': 'application/json',
        ...(token === null ? {} : bearer(token)),
        ...headers,
      },
    })
    return { status: response.status, headers: response.headers, json: await response.json() }
  }

  /** The answer to one question, or the status of its refusal. */
  async decided(body: object, token: string = this.pdp): Promise<unknown> {
    const { status, json } = await this.post(EVALUATION, body, {}, token)
    return status === 200 ? json : status
  }

  /** Records of what was asked since there were so many. */
  recordsSince(count: number): AuditLine['body'][] {
    return this.running.site
      .records()
      .slice(count)
      .map(({ body }) => body)
      .filter(({ action, actor }) => action === 'admin' && actor.door === 'http')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running[Symbol.asyncDispose]()
  }
}
