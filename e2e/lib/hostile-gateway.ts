/** A gateway in wrong hands: a connection to the socket of gateways, on which everything may be asked. */
import type { RequestName } from '@secreg/protocol'
import { REQUESTS } from '@secreg/protocol/messages'
import { expect } from 'vitest'
import type { GatewaySite } from './gateway-site.ts'
import type { AuditLine } from './site.ts'
import { ERROR, Wire } from './wire.ts'

/** Type of a request by its name. */
export function typeOf(name: RequestName): number {
  return REQUESTS[name].type
}

/** What has to come of an attempt. */
export interface Outcome {
  /** Session that it is made in; default none. */
  readonly session?: string
  /** `ok`, or the reason of the refusal. */
  readonly gets: string
  /** Whom the record names: at least these members of its actor; `user` absent is nobody. */
  readonly by?: { readonly user?: string } & Readonly<Record<string, unknown>>
  /** Further members of the record. */
  readonly says?: Readonly<Record<string, unknown>>
  /** No operation (DESIGN §2): no record. */
  readonly unrecorded?: true
}

export class HostileGateway implements Disposable {
  readonly #site: GatewaySite
  readonly #wire: Wire
  readonly #received: Buffer[] = []

  private constructor(site: GatewaySite, wire: Wire) {
    this.#site = site
    this.#wire = wire
    wire.socket.on('data', (chunk: Buffer) => this.#received.push(chunk))
  }

  /** @param socket - another one than that of gateways */
  static async connect(site: GatewaySite, socket: string = site.gatewaySocket) {
    return new HostileGateway(site, await Wire.open(socket))
  }

  /** Everything that it has been told. */
  get received(): string {
    return Buffer.concat(this.#received).toString()
  }

  /** Try something; it has to come out as told, and to leave exactly one record of that. */
  async attempt(name: RequestName, payload: object, outcome: Outcome) {
    const { session = '', gets, by = {}, says = {}, unrecorded = false } = outcome
    const before = this.#site.records().length
    this.#wire.session = session
    const { type, body } = await this.#wire.ask(typeOf(name), payload)
    const records: AuditLine[] = this.#site.records().slice(before)
    const what = `${name} ${JSON.stringify(payload)}: ${JSON.stringify({ body, records })}`
    const refusal = type === ERROR ? body : body.success === false ? body.error : undefined
    expect(refusal === undefined ? 'ok' : refusal.reason, what).toBe(gets)
    expect(records.length, what).toBe(unrecorded ? 0 : 1)
    for (const record of records) {
      expect(record.body, what).toMatchObject({ ...says, actor: { door: 'http', ...by } })
      expect(record.body.actor.user, what).toBe(by.user)
      expect(record.body.reason, what).toBe(gets === 'ok' ? undefined : gets)
    }
    return body
  }

  /** Log somebody in with what he has handed over, or what is asserted of him; answers the session. */
  async logIn(payload: object, by: NonNullable<Outcome['by']>): Promise<string> {
    const says = { action: 'auth' }
    return (await this.attempt('auth', payload, { gets: 'ok', by, says })).session_id
  }

  [Symbol.dispose](): void {
    this.#wire.close()
  }
}

/** Everything that decides who may do what, as an administrator sees it. */
export async function rightsOf(admin: Wire): Promise<object> {
  return {
    users: await admin.ok('user', { op: 'list' }),
    tokens: await admin.ok('token', { op: 'list' }),
    groups: await admin.ok('group', { op: 'list', kind: 'group' }),
    roles: await admin.ok('group', { op: 'list', kind: 'role' }),
    policies: await admin.ok('policy', { op: 'list' }),
    mounts: await admin.ok('mount', { op: 'list' }),
    zones: await admin.ok('zone', { op: 'list' }),
    protectors: await admin.ok('protector', { op: 'list' }),
    rotation: await admin.ok('rotate', { op: 'status' }),
    keys: await admin.ok('evidence', { op: 'keys' }),
  }
}
