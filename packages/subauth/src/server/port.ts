/** What the server half stands on. */
import type { SubauthAccounts, SubauthZone } from '../wire/accounts.ts'

/** An account whose owner may leave his name out. */
export interface OwnAccount {
  readonly zone: string
  /** Absent: the caller's own. */
  readonly login?: string
}

/** An account that is managed, by the right of the caller or with its own password. */
export interface ManagedAccount extends OwnAccount {
  /** Password of the account. When present, it alone decides. */
  readonly authPasswd?: string
}

/**
 * The accounts as one caller may see and change them. It decides everything: who may do what, whether a zone allows it,
 * whether a secret is right, and it returns once what it has changed is durable. Any method may throw a
 * {@link SubauthError} with a reason of `REFUSALS`; whatever else it throws is told as "internal error".
 */
export interface SubauthPort {
  createAccount(zone: string, login: string): Promise<void>
  /** @param zone - `*` for all zones */
  deleteAccount(zone: string, login: string): Promise<void>
  /** @returns the whole token and its public part */
  createToken(
    account: ManagedAccount & { readonly comment?: string },
  ): Promise<{ readonly token: string; readonly ident: string }>
  /** @param account - `ident` `*` for every token, temporary ones too */
  deleteToken(account: ManagedAccount & { readonly ident: string }): Promise<void>
  /** Change the comment of a token; without one, nothing. */
  changeToken(
    account: ManagedAccount & { readonly ident: string; readonly comment?: string },
  ): Promise<void>
  setPasswd(account: ManagedAccount & { readonly passwd: string }): Promise<void>
  deletePasswd(account: ManagedAccount): Promise<void>
  /** @param account - `validity` in seconds, at least 1 */
  createTemp(
    account: ManagedAccount & { readonly validity: number },
  ): Promise<{ readonly token: string }>
  /** Whether a password or token opens an account. */
  login(account: OwnAccount & { readonly passwd: string }): Promise<boolean>
  allowPasswdAuth(account: ManagedAccount & { readonly allow: boolean }): Promise<void>
  accounts(of: { readonly login?: string }): Promise<SubauthAccounts>
  zones(): Promise<readonly SubauthZone[]>
}
