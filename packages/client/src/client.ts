/**
 * The documented client library (SecReg-Linux docs/API.md, "Client library") with its names, in promises: connect,
 * login, get, set, remove, list.
 */
import type { AuthResponse, ValueInput, ValueType as ValueTypeName } from '@secreg/protocol'
import { connectRegistry } from './connect-registry.ts'
import { exceptionOf, SecRegException } from './exceptions.ts'
import { errorOfAnswer } from './failure.ts'
import { type ConnectOptions, DEFAULT_SOCKET, settingsOf } from './options.ts'
import type { RegistryConnection } from './types.ts'

/** Names of the value types. */
export const ValueType: {
  readonly String: 'string'
  readonly Integer: 'integer'
  readonly Boolean: 'boolean'
  readonly Json: 'json'
  readonly Bytes: 'bytes'
  /** Alias of `Bytes`. */
  readonly Binary: 'bytes'
} = Object.freeze({
  String: 'string',
  Integer: 'integer',
  Boolean: 'boolean',
  Json: 'json',
  Bytes: 'bytes',
  Binary: 'bytes',
})

/** Type of a value. */
export type ValueType = ValueTypeName

/** Outcome of a login. */
export class AuthResult {
  readonly success: boolean
  /** Session that the client now uses; undefined when the login was refused. */
  readonly sessionId: string | undefined
  readonly roles: readonly string[]
  /** Seconds of inactivity after which the session ends. */
  readonly expiresIn: number | undefined
  /** A second factor is asked: log in again with it. */
  readonly mfaRequired: boolean
  /** Why it was refused, also in seconds to wait (`retryAfter`). */
  readonly error: SecRegException | undefined

  constructor(answer: AuthResponse) {
    this.success = answer.success
    this.sessionId = answer.success ? answer.session_id : undefined
    this.roles = Object.freeze([...(answer.roles ?? [])])
    this.expiresIn = answer.expires_in
    this.mfaRequired = answer.mfa_required ?? false
    this.error =
      answer.success || answer.error === undefined
        ? undefined
        : new SecRegException(errorOfAnswer(answer.error))
  }
}

/** Options of a client, beside the path of its socket. */
export type ClientOptions = Omit<ConnectOptions, 'socket'>

/**
 * A client of the registry. Every method throws a {@link SecRegException} or one of its subclasses when the registry
 * refuses, and a TypeError or RangeError for a wrong argument.
 *
 * @example
 * ```ts
 * const client = new Client('/run/secreg/socket')
 * await client.connect()
 * await client.set('/app/config/database', 'localhost', ValueType.String)
 * ```
 */
export class Client implements AsyncDisposable {
  readonly #options: ConnectOptions
  #connection: RegistryConnection | undefined
  #connecting: Promise<RegistryConnection> | undefined

  /**
   * @param socket - path of the daemon's socket, at most 107 bytes
   * @param options - session, time-outs and limits
   */
  constructor(socket: string = DEFAULT_SOCKET, options: ClientOptions = {}) {
    this.#options = { ...options, socket }
    settingsOf(this.#options)
  }

  /** The connection, for every other request; it throws before `connect`. */
  get connection(): RegistryConnection {
    if (this.#connection === undefined) throw new TypeError('the client is not connected')
    return this.#connection
  }

  /** Connect; without effect while a connection stands. A lost one is replaced, and its session kept. */
  async connect(): Promise<void> {
    if (this.#connection !== undefined && !this.#connection.closed) return
    const sessionId = this.#connection?.sessionId ?? this.#options.sessionId
    this.#connecting ??= connectRegistry({
      ...this.#options,
      ...(sessionId === undefined ? {} : { sessionId }),
    })
    try {
      this.#connection = await this.#connecting
    } catch (error) {
      throw exceptionOf(error)
    } finally {
      this.#connecting = undefined
    }
  }

  /**
   * Log in; the following requests carry the session.
   *
   * @param otp - second factor, where the account has one
   * @returns the outcome: a wrong name or password is `success: false`, not an exception
   */
  async login(username: string, password: string, otp?: string): Promise<AuthResult> {
    return new AuthResult(
      await this.#ask((registry) =>
        registry.auth({ username, password, ...(otp === undefined ? {} : { otp }) }),
      ),
    )
  }

  /** End the session. */
  async logout(): Promise<void> {
    await this.#ask((registry) => registry.logout())
  }

  /**
   * Get a value.
   *
   * @param decrypt - decrypt an encrypted value
   * @returns its canonical text (base64 for bytes), or undefined when it is encrypted and `decrypt` is not asked
   * @throws KeyNotFoundException when there is none, AccessDeniedException when the policy does not allow it
   */
  async get(key: string, decrypt = false): Promise<string | undefined> {
    return (await this.#ask((registry) => registry.get({ key, decrypt }))).value ?? undefined
  }

  /**
   * Set a value.
   *
   * @param value - canonical text, or the native JSON value where the type fits
   * @param type - type of the value; by default that of the value as it is given: text is a string
   * @param encrypt - keep it encrypted
   * @returns the version that was made
   */
  async set(key: string, value: ValueInput, type?: ValueType, encrypt = false): Promise<number> {
    const request = {
      key,
      value: value as string,
      encrypt,
      ...(type === undefined ? {} : { type }),
    }
    return (await this.#ask((registry) => registry.set(request))).version
  }

  /**
   * Delete a key.
   *
   * @param recursive - also everything below it
   * @returns the number of entries deleted
   */
  async remove(key: string, recursive = false): Promise<number> {
    return (await this.#ask((registry) => registry.delete({ key, recursive }))).deleted
  }

  /**
   * List keys, sorted by bytes; all pages of a long listing.
   *
   * @param recursive - everything below the prefix instead of its direct children, of which subtrees end with `/`
   */
  async list(prefix: string, recursive = false): Promise<string[]> {
    const keys: string[] = []
    let after: string | undefined
    do {
      const page = await this.#ask((registry) =>
        registry.list({ prefix, recursive, ...(after === undefined ? {} : { after }) }),
      )
      for (const key of page.keys) keys.push(key)
      // A page without progress would be asked for ever.
      after = page.next === after ? undefined : page.next
    } while (after !== undefined)
    return keys
  }

  /** Close the connection. */
  async close(): Promise<void> {
    await this.#connection?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #ask<T>(ask: (registry: RegistryConnection) => Promise<T>): Promise<T> {
    const { connection } = this
    try {
      return await ask(connection)
    } catch (error) {
      throw exceptionOf(error)
    }
  }
}
