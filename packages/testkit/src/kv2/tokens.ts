/** Tokens and AppRoles of the stand-in. */
import { randomBytes, randomUUID } from 'node:crypto'
import { type JsonObject, Refusal, type Reply } from './refusal.ts'

/** How long a token lives. */
export interface Lease {
  /** 0 = for ever. Default 3,600. */
  readonly ttlSeconds?: number
  /** Default true. */
  readonly renewable?: boolean
}

/** Credentials of an AppRole. */
export interface AppRole {
  readonly roleId: string
  readonly secretId: string
}

interface TokenRecord {
  readonly accessor: string
  readonly lease: Required<Lease>
  expiresAtMs: number
}

const FOREVER = Number.POSITIVE_INFINITY

export class Tokens {
  readonly #now: () => number
  readonly #tokens = new Map<string, TokenRecord>()
  readonly #roles = new Map<string, { readonly secretId: string; readonly lease: Lease }>()

  /** @param now - milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  add(token: string, { ttlSeconds = 3600, renewable = true }: Lease = {}): string {
    const lease = { ttlSeconds, renewable }
    const accessor = randomBytes(12).toString('hex')
    this.#tokens.set(token, { accessor, lease, expiresAtMs: this.#endOf(ttlSeconds) })
    return token
  }

  create(lease?: Lease): string {
    return this.add(`hvs.${randomBytes(18).toString('hex')}`, lease)
  }

  addRole(lease: Lease = {}): AppRole {
    const role = { roleId: randomUUID(), secretId: randomUUID() }
    this.#roles.set(role.roleId, { secretId: role.secretId, lease })
    return role
  }

  /** From now on nobody knows them. */
  revoke(...tokens: readonly string[]): void {
    for (const token of tokens) this.#tokens.delete(token)
  }

  /** Every token but those. */
  revokeAllBut(...kept: readonly string[]): void {
    for (const token of this.#tokens.keys()) if (!kept.includes(token)) this.revoke(token)
  }

  /** @throws Refusal 403 */
  check(token: string | undefined): TokenRecord {
    const record = token === undefined ? undefined : this.#tokens.get(token)
    if (record === undefined || record.expiresAtMs <= this.#now()) {
      throw new Refusal(403, 'permission denied')
    }
    return record
  }

  login(body: JsonObject): Reply {
    const role = this.#roles.get(String(body['role_id']))
    if (role === undefined || role.secretId !== body['secret_id']) {
      throw new Refusal(400, 'invalid role or secret ID')
    }
    return authOf(this.create(role.lease), role.lease)
  }

  lookup(token: string): Reply {
    const { accessor, lease, expiresAtMs } = this.check(token)
    const left = expiresAtMs === FOREVER ? 0 : Math.floor((expiresAtMs - this.#now()) / 1000)
    const expiry = expiresAtMs === FOREVER ? null : new Date(expiresAtMs).toISOString()
    return {
      status: 200,
      data: {
        accessor,
        creation_ttl: lease.ttlSeconds,
        expire_time: expiry,
        id: token,
        renewable: lease.renewable && expiresAtMs !== FOREVER,
        ttl: left,
        type: 'service',
      },
    }
  }

  renew(token: string): Reply {
    const record = this.check(token)
    if (!record.lease.renewable || record.expiresAtMs === FOREVER) {
      throw new Refusal(400, 'lease is not renewable')
    }
    record.expiresAtMs = this.#endOf(record.lease.ttlSeconds)
    return authOf(token, record.lease)
  }

  #endOf(ttlSeconds: number): number {
    return ttlSeconds === 0 ? FOREVER : this.#now() + 1000 * ttlSeconds
  }
}

function authOf(token: string, { ttlSeconds = 3600, renewable = true }: Lease): Reply {
  return {
    status: 200,
    data: null,
    auth: {
      accessor: randomBytes(12).toString('hex'),
      client_token: token,
      entity_id: '',
      lease_duration: ttlSeconds,
      metadata: null,
      orphan: true,
      policies: ['default'],
      renewable,
      token_policies: ['default'],
      token_type: 'service',
    },
  }
}
