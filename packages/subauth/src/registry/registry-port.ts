/**
 * The zones of a registry (DESIGN §3), as one caller of the door of the zones sees them. The registry decides, records
 * and does everything; here is only what the two call it.
 */
import type { RegistryApi, RequestOf, ZoneResponse } from '@secreg/protocol'
import type { ManagedAccount, OwnAccount, SubauthPort } from '../server/port.ts'
import type { SubauthAccounts, SubauthZone } from '../wire/accounts.ts'
import { accountsOf, identOf, malformed, tokenOf, zonesOf } from './answer-shape.ts'
import { type ToldHere, toldAs } from './told-as.ts'

/** What of the registry is needed. */
export type SubauthRegistryApi = Pick<RegistryApi, 'zone'>

/** Who the caller is to the system. */
export interface SystemCaller {
  /** Name of the user that his uid is; absent when it is none. */
  readonly systemUser?: string | undefined
}

/** Of a caller without a name who gives none, this is the reason, whatever the registry has looked at first. */
const NAMELESS: ToldHere = Object.freeze({
  ACCESS_DENIED: 'NO_LOGIN_NAME',
  INVALID_ARGUMENT: 'NO_LOGIN_NAME',
  NOT_FOUND: 'NO_LOGIN_NAME',
  USER_NOT_FOUND: 'NO_LOGIN_NAME',
})

/**
 * See the zones of a registry.
 *
 * @param api - of one caller, whom the registry knows as one of the door `subauth`
 * @returns a port for `answerPacket`; it keeps nothing but its arguments
 */
export function registryPort(api: SubauthRegistryApi, caller: SystemCaller): SubauthPort {
  return new RegistryPort(api, caller)
}

class RegistryPort implements SubauthPort {
  readonly #api: SubauthRegistryApi
  readonly #systemUser: string | undefined

  constructor(api: SubauthRegistryApi, { systemUser }: SystemCaller) {
    this.#api = api
    this.#systemUser = systemUser
  }

  async createAccount(zone: string, login: string): Promise<void> {
    const here: ToldHere = {
      NOT_FOUND: 'ZONE_OR_USER_NOT_FOUND',
      INVALID_ARGUMENT: 'ZONE_OR_USER_NOT_FOUND',
    }
    await this.#zone({ op: 'create-account', zone, login }, here)
  }

  async deleteAccount(zone: string, login: string): Promise<void> {
    await this.#zone({ op: 'delete-account', zone, login })
  }

  async createToken(
    account: ManagedAccount & { readonly comment?: string },
  ): Promise<{ readonly token: string; readonly ident: string }> {
    const request = { op: 'create-token', ...managed(account), ...commentOf(account) } as const
    const answer = await this.#zone(request, { LIMIT_EXCEEDED: 'LIMIT_EXCEEDED' })
    return { token: tokenOf(answer), ident: identOf(answer) }
  }

  async deleteToken(account: ManagedAccount & { readonly ident: string }): Promise<void> {
    const { ident } = account
    const here: ToldHere = ident === '*' ? {} : { NOT_FOUND: 'TOKEN_NOT_FOUND' }
    await this.#zone({ op: 'delete-token', ...managed(account), ident }, here)
  }

  async changeToken(
    account: ManagedAccount & { readonly ident: string; readonly comment?: string },
  ): Promise<void> {
    const { ident } = account
    const request = {
      op: 'change-token',
      ...managed(account),
      ident,
      ...commentOf(account),
    } as const
    await this.#zone(request, { NOT_FOUND: 'TOKEN_NOT_FOUND' })
  }

  async setPasswd(account: ManagedAccount & { readonly passwd: string }): Promise<void> {
    const request = { op: 'set-password', ...managed(account), password: account.passwd } as const
    // Another spelling of the same text may be too long, or have a minus.
    await this.#zone(request, { INVALID_ARGUMENT: 'NEW_PASSWD_INVALID' })
  }

  async deletePasswd(account: ManagedAccount): Promise<void> {
    const request = { op: 'delete-password', ...managed(account) } as const
    await this.#zone(request, { NOT_FOUND: 'PASSWD_NOT_FOUND' })
  }

  async createTemp(
    account: ManagedAccount & { readonly validity: number },
  ): Promise<{ readonly token: string }> {
    const request = {
      op: 'create-temp',
      ...managed(account),
      validity_s: account.validity,
    } as const
    // Everything else of the request has been looked at.
    const here: ToldHere = {
      INVALID_ARGUMENT: 'VALIDITY_REFUSED',
      PAYLOAD_INVALID: 'VALIDITY_REFUSED',
    }
    return { token: tokenOf(await this.#zone(request, here)) }
  }

  async login(account: OwnAccount & { readonly passwd: string }): Promise<boolean> {
    const request = { op: 'check', ...own(account), password: account.passwd } as const
    const here: ToldHere = {
      AUTH_FAILED: 'LOGIN_FAILED',
      INVALID_ARGUMENT: 'LOGIN_FAILED',
      NOT_FOUND: 'LOGIN_FAILED',
      USER_NOT_FOUND: 'LOGIN_FAILED',
      ZONE_REFUSED: 'LOGIN_FAILED',
    }
    const { matches } = await this.#zone(request, here)
    return matches === true
  }

  async allowPasswdAuth(account: ManagedAccount & { readonly allow: boolean }): Promise<void> {
    await this.#zone({ op: 'allow-password', ...managed(account), allow: account.allow })
  }

  async accounts({ login }: { readonly login?: string }): Promise<SubauthAccounts> {
    const request = { op: 'accounts', ...(login === undefined ? {} : { login }) } as const
    const answer = await this.#zone(request)
    const shown = login ?? this.#systemUser
    if (shown === undefined) throw malformed()
    return { login: shown, accounts: accountsOf(answer, shown) }
  }

  async zones(): Promise<readonly SubauthZone[]> {
    return zonesOf(await this.#zone({ op: 'list' }))
  }

  async #zone(request: RequestOf<'zone'>, here: ToldHere = {}): Promise<ZoneResponse> {
    try {
      return await this.#api.zone(request)
    } catch (error) {
      const nameless =
        this.#systemUser === undefined && request.op !== 'list' && !('login' in request)
      throw toldAs(error, nameless ? { ...here, ...NAMELESS } : here)
    }
  }
}

/** Own names of the account in the registry's protocol. */
function own({ zone, login }: OwnAccount): { zone: string; login?: string } {
  return { zone, ...(login === undefined ? {} : { login }) }
}

function managed(account: ManagedAccount): {
  zone: string
  login?: string
  auth_password?: string
} {
  const { authPasswd } = account
  return { ...own(account), ...(authPasswd === undefined ? {} : { auth_password: authPasswd }) }
}

function commentOf({ comment }: { readonly comment?: string }): { comment?: string } {
  return comment === undefined ? {} : { comment }
}
