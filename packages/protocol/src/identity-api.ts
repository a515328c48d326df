/** Answers about who somebody is. */
import type { Role } from './action.ts'
import type { ErrorPayload } from './error-payload.ts'

/** Answer to a login (documented as AuthResponse). */
export interface AuthResponse {
  readonly success: boolean
  /** UUIDv4 to send with the following requests. */
  readonly session_id?: string
  readonly roles?: readonly string[]
  /** Seconds of inactivity after which the session ends. */
  readonly expires_in?: number
  /** The password is right and a second factor is missing: send both again, with `otp`. */
  readonly mfa_required?: boolean
  /** The session is good for nothing but setting up a second factor. */
  readonly mfa_enrollment_required?: boolean
  readonly error?: ErrorPayload
}

/** One account, as administrators see it. */
export interface UserInfo {
  readonly user: string
  readonly account: string
  readonly roles: readonly Role[]
  readonly groups: readonly string[]
  readonly disabled: boolean
  /** Its password is the one of the system user of this name. */
  readonly system: boolean
  /** Somebody can log in with a password of ours. */
  readonly password: boolean
  readonly mfa: boolean
  readonly uids: readonly number[]
  readonly tokens: number
  readonly created_at: number
  readonly modified_at: number
}

export interface UserResponse {
  readonly users?: readonly UserInfo[]
  /** Of `list`: there may be more, ask again with `after` set to it. */
  readonly next?: string
}

export interface WhoamiResponse {
  readonly user: string
  readonly account: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  /** A second factor was shown in this session. */
  readonly mfa: boolean
  readonly proof: string
  readonly door: string
  /** Ident of the token that opened the session. */
  readonly token?: string
  /** Policies that bound it; absent where nothing does. */
  readonly boundary?: readonly string[]
  /** The session is good for nothing but setting up a second factor. */
  readonly restricted?: 'mfa-enrollment'
}

/** One group or role. */
export interface GroupInfo {
  readonly name: string
  readonly description?: string
  /** Known from the start; cannot be removed. */
  readonly built_in?: true
  /** Logins, sorted. */
  readonly members: readonly string[]
  /** Policies that name it, sorted. */
  readonly policies: readonly string[]
  readonly created_at?: number
}

export interface GroupResponse {
  readonly groups: readonly GroupInfo[]
}

/** One access token; never its secret. */
export interface TokenInfo {
  /** Its ident, which is not secret. */
  readonly token: string
  readonly user: string
  readonly label?: string
  readonly boundary: 'full' | readonly string[]
  readonly created_at: number
  readonly expires_at?: number
  readonly uses_left?: number
}

export interface TokenResponse {
  readonly tokens: readonly TokenInfo[]
  /** The whole token, shown this once. */
  readonly secret?: string
}

export interface ZoneInfo {
  readonly zone: string
  /** Random id of this life of the zone; for administrators. */
  readonly zone_id?: string
  readonly description: string
  readonly allow_passwd: boolean
  readonly allow_tokens: boolean
  readonly allow_passwd_auth: boolean
  readonly auto_create: boolean
  readonly http: boolean
  readonly max_temp_validity_s: number
  /** For administrators. */
  readonly trusted_uids?: readonly number[]
  /** It is one of the configuration file, which alone sets its switches. */
  readonly configured?: true
}

export interface ZoneTokenInfo {
  readonly ident: string
  readonly comment: string
  readonly modified_at: number
}

/** One account of a zone. */
export interface ZoneAccountInfo {
  readonly zone: string
  readonly login: string
  readonly password: boolean
  /** Milliseconds since 1970; where there is a password. */
  readonly password_modified_at?: number
  readonly allow_passwd_auth: boolean
  readonly tokens: readonly ZoneTokenInfo[]
}

export interface ZoneResponse {
  readonly zones?: readonly ZoneInfo[]
  readonly accounts?: readonly ZoneAccountInfo[]
  /** The whole token, shown this once, and its public part. */
  readonly secret?: string
  readonly ident?: string
  /** Of `check`: whether it opens the account. */
  readonly matches?: boolean
}

export interface MfaResponse {
  readonly state: 'off' | 'pending' | 'on'
  /** Of `begin`: what an authenticator needs, shown this once. */
  readonly secret?: string
  readonly uri?: string
  /** Of `confirm` and `recovery`: each opens the account once. Shown this once. */
  readonly recovery_codes?: readonly string[]
  readonly recovery_codes_left?: number
}
