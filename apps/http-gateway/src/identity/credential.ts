/** A credential as the daemon takes it. Neither JSON nor an inspection shows what is in it. */

/** Kind of a credential. */
export type CredentialKind = 'token' | 'password'

/** Part of a login that is made of a credential. */
export type CredentialLogin =
  | { readonly token: string }
  | { readonly username: string; readonly password: string }

/** What a caller proves himself with; the daemon alone checks it. */
export class Credential {
  readonly kind: CredentialKind
  readonly #login: CredentialLogin

  private constructor(kind: CredentialKind, login: CredentialLogin) {
    this.kind = kind
    this.#login = login
  }

  /** An access token. */
  static token(token: string): Credential {
    return new Credential('token', Object.freeze({ token }))
  }

  /** A user name and the password, or an account of a zone and a token of it. */
  static password(username: string, password: string): Credential {
    return new Credential('password', Object.freeze({ username, password }))
  }

  /** What the daemon is sent. Holds the secret: for the login and nothing else. */
  get login(): CredentialLogin {
    return this.#login
  }
}
