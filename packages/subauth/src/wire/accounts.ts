/** What listings show, in our own words; `reply.ts` has the words of the wire. Never a secret. */

/** A password or a regular token of an account. Temporary tokens are not listed. */
export type SubauthEntry =
  | {
      readonly type: 'passwd'
      /** Time of the last change, seconds since 1970. */
      readonly modifiedAtS: number
    }
  | {
      readonly type: 'token'
      /** Public identifier, 4 hexadecimal digits. */
      readonly ident: string
      /** Empty when there is none. */
      readonly comment: string
      /** Time of the last change, seconds since 1970. */
      readonly modifiedAtS: number
    }

/** One account of a login. */
export interface SubauthAccount {
  readonly zone: string
  /** It may be managed with its password. */
  readonly allowPasswdAuth: boolean
  readonly tokens: readonly SubauthEntry[]
}

/** The accounts of one login, in all zones. */
export interface SubauthAccounts {
  readonly login: string
  readonly accounts: readonly SubauthAccount[]
}

/** One zone. */
export interface SubauthZone {
  readonly zone: string
  /** For people; may be empty. */
  readonly description: string
  readonly allowPasswd: boolean
  readonly allowTokens: boolean
  /** It supports accounts that are managed with their password. */
  readonly allowPasswdAuth: boolean
  /** Longest validity of a temporary token, seconds; 0 is no temporary tokens. */
  readonly maxTempValidityS: number
}
