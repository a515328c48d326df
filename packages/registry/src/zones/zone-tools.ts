/** What requests about zones need beside the registry: who the users of the system are, and counters of failures. */
import type { Caller } from '@secreg/protocol'
import { type AttemptLimits, isZoneLogin } from '@secreg/zones'
import { ZoneAttempts } from './zone-secrets.ts'

/** The users of the operating system, as far as zones ask. */
export interface SystemUsers {
  /** The user of this name; throws `ERR_BUSY` when it cannot be told now. */
  readonly find: (login: string) => Promise<{ readonly uid: number } | undefined>
}

export class ZoneTools {
  readonly attempts: ZoneAttempts
  readonly #users: SystemUsers | undefined

  constructor(
    users: SystemUsers | undefined,
    monotonicMs: () => number,
    limits?: Partial<AttemptLimits>,
  ) {
    this.#users = users
    this.attempts = new ZoneAttempts(monotonicMs, limits)
  }

  /**
   * Whether the system has a user of this name. Administrators are not asked that: what they make may be for users who are
   * still to come.
   */
  async isUser({ door, systemUser }: Caller, login: string): Promise<boolean> {
    if (door !== 'subauth' || login === systemUser) return true
    return isZoneLogin(login) && (await this.#users?.find(login)) !== undefined
  }

  /** Whether the system has a user of this name, as far as anybody can tell: without its users, all are believed. */
  async exists(login: string): Promise<boolean> {
    return this.#users === undefined || (await this.#users.find(login)) !== undefined
  }
}
