/** The client half: one method for each command (specs: subauth §3), over whatever carries packets. */
import { SubauthError } from '../errors.ts'
import type { ManagedAccount, OwnAccount } from '../server/port.ts'
import type { SubauthAccounts, SubauthZone } from '../wire/accounts.ts'
import { formatRequest } from '../wire/format-request.ts'
import type { JsonObject } from '../wire/json-object.ts'
import { accountsIn, parseReply, temporaryTokenIn, tokenIn, zonesIn } from '../wire/parse-reply.ts'
import {
  LISTING_ALIASES,
  type SubauthFields,
  type SubauthRequest,
  type SubauthRequestOf,
} from '../wire/request.ts'
import { checkFields, checkObject, requireFields } from './check-arguments.ts'
import type { PacketExchange } from './packet-exchange.ts'
import { shownText } from './server-text.ts'

type Listing = keyof typeof LISTING_ALIASES

/**
 * A client of one server. Requests are sent one after the other, however many are made at once. Each method may throw
 * what the exchange throws, and SubauthError `ERR_SUBAUTH_REFUSED`, whose message is the text of the server (printable,
 * at most 200 characters, never with a secret that was sent), or `ERR_SUBAUTH_ANSWER_INVALID`.
 */
export class SubauthCommands {
  readonly #exchange: PacketExchange
  /** Names of the listings that this server has answered to. */
  readonly #known = new Map<Listing, string>()

  /** @param exchange - belongs to the client from now on */
  constructor(exchange: PacketExchange) {
    this.#exchange = exchange
  }

  /** Ask for nothing. */
  async nop(): Promise<void> {
    await this.#ask({ cmd: 'nop' })
  }

  async createAccount(zone: string, login: string): Promise<void> {
    requireFields({ zone, login })
    await this.#ask({ cmd: 'create-acct', login, zone })
  }

  /** @param zone - `*` for all zones */
  async deleteAccount(zone: string, login: string): Promise<void> {
    requireFields({ zone, login })
    await this.#ask({ cmd: 'delete-acct', login, zone })
  }

  /** @returns the whole token, which is shown this once, and its public part */
  async createToken(
    account: ManagedAccount & { readonly comment?: string },
  ): Promise<{ readonly token: string; readonly ident: string }> {
    const fields = { ...managed(account), ...optional('comment', account.comment) }
    return tokenIn(await this.#ask({ cmd: 'create-token', ...fields }))
  }

  /** @param account - `ident` `*` for every token, temporary ones too */
  async deleteToken(account: ManagedAccount & { readonly ident: string }): Promise<void> {
    const fields = { ...managed(account), ident: account.ident }
    requireFields(fields)
    await this.#ask({ cmd: 'delete-token', ...fields })
  }

  /** Change the comment of a token; without one, nothing. */
  async changeToken(
    account: ManagedAccount & { readonly ident: string; readonly comment?: string },
  ): Promise<void> {
    const fields = { ...managed(account), ident: account.ident }
    requireFields(fields)
    const comment = optional('comment', account.comment)
    await this.#ask({ cmd: 'change-token', ...fields, ...comment })
  }

  async setPasswd(account: ManagedAccount & { readonly passwd: string }): Promise<void> {
    const fields = { ...managed(account), passwd: account.passwd }
    requireFields(fields)
    await this.#ask({ cmd: 'set-passwd', ...fields })
  }

  async deletePasswd(account: ManagedAccount): Promise<void> {
    await this.#ask({ cmd: 'delete-passwd', ...managed(account) })
  }

  /** @param account - `validity` in seconds */
  async createTemp(
    account: ManagedAccount & { readonly validity: number },
  ): Promise<{ readonly token: string }> {
    const fields = { ...managed(account), validity: account.validity }
    requireFields(fields)
    return temporaryTokenIn(await this.#ask({ cmd: 'create-temp', ...fields }))
  }

  /**
   * Check a password or token. It returns when the server accepts it and throws otherwise, so that a result which is not
   * looked at opens nothing.
   */
  async login(account: OwnAccount & { readonly passwd: string }): Promise<void> {
    const fields = { ...own(account), passwd: account.passwd }
    requireFields(fields)
    await this.#ask({ cmd: 'login', ...fields })
  }

  async allowPasswdAuth(account: ManagedAccount & { readonly allow: boolean }): Promise<void> {
    const fields = { ...managed(account), allow: account.allow }
    requireFields(fields)
    await this.#ask({ cmd: 'allow-passwd-auth', ...fields })
  }

  /** @param of - without `login`, the caller's own */
  async accounts(of: { readonly login?: string } = {}): Promise<SubauthAccounts> {
    checkObject('of', of)
    return accountsIn(await this.#list({ cmd: 'list-accts', ...optional('login', of.login) }))
  }

  async zones(): Promise<readonly SubauthZone[]> {
    return zonesIn(await this.#list({ cmd: 'list-zones' }))
  }

  /** Close the connection once everything that was asked has been answered. */
  close(): Promise<void> {
    return this.#exchange.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** No public text says what listings are called: the name that works is found out, once. */
  async #list(request: SubauthRequestOf<Listing>): Promise<JsonObject> {
    const known = this.#known.get(request.cmd)
    if (known !== undefined) return await this.#ask(request, known)
    let first: unknown
    for (const name of [request.cmd, ...LISTING_ALIASES[request.cmd]]) {
      try {
        const reply = await this.#ask(request, name)
        this.#known.set(request.cmd, name)
        return reply
      } catch (error) {
        if (!SubauthError.is(error, 'REFUSED')) throw error
        first ??= error
      }
    }
    throw first
  }

  async #ask(request: SubauthRequest, name?: string): Promise<JsonObject> {
    checkFields(request)
    const packet = await this.#exchange.request(formatRequest(request, name))
    try {
      return parseReply(packet)
    } catch (error) {
      if (!SubauthError.is(error, 'REFUSED')) throw error
      const text = shownText(error.message, request)
      throw new SubauthError('REFUSED', text === undefined ? {} : { text })
    }
  }
}

function own(account: OwnAccount): { readonly zone: string; readonly login?: string } {
  checkObject('account', account)
  requireFields({ zone: account.zone })
  return { zone: account.zone, ...optional('login', account.login) }
}

function managed(account: ManagedAccount): SubauthFields['delete-passwd'] {
  return { ...own(account), ...optional('auth-passwd', account.authPasswd) }
}

function optional<N extends string>(
  name: N,
  value: string | undefined,
): { readonly [K in N]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: string }
}
