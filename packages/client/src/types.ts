/** A connection to the registry, as its user sees it. */
import type { RegistryApi, RequestName, RequestOf, ResponseOf } from '@secreg/protocol'
import type { RequestOptions, WatchOptions } from './options.ts'
import type { Watch } from './watch.ts'

/**
 * The registry over its socket. Every method fails with a `SecregError`, with the reason of an aborted signal, or
 * with a TypeError or RangeError for a wrong argument. Requests may be started without waiting for one another: they
 * are sent and answered in the order in which they were started.
 */
export interface RegistryConnection extends RegistryApi, AsyncDisposable {
  /** Path of the socket. */
  readonly socketPath: string
  /** Session that requests carry: that of the options, then that of the last successful login. */
  readonly sessionId: string | undefined
  /** Whether the connection is closed or lost; it does not come back. */
  readonly closed: boolean

  get(request: RequestOf<'get'>, options?: RequestOptions): Promise<ResponseOf['get']>
  set(request: RequestOf<'set'>, options?: RequestOptions): Promise<ResponseOf['set']>
  delete(request: RequestOf<'delete'>, options?: RequestOptions): Promise<ResponseOf['delete']>
  list(request: RequestOf<'list'>, options?: RequestOptions): Promise<ResponseOf['list']>
  status(options?: RequestOptions): Promise<ResponseOf['status']>
  audit(request: RequestOf<'audit'>, options?: RequestOptions): Promise<ResponseOf['audit']>
  export(request: RequestOf<'export'>, options?: RequestOptions): Promise<ResponseOf['export']>
  import(request: RequestOf<'import'>, options?: RequestOptions): Promise<ResponseOf['import']>
  user(request: RequestOf<'user'>, options?: RequestOptions): Promise<ResponseOf['user']>
  whoami(options?: RequestOptions): Promise<ResponseOf['whoami']>
  password(
    request: RequestOf<'password'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['password']>
  security(
    request: RequestOf<'security'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['security']>
  dialect(request: RequestOf<'dialect'>, options?: RequestOptions): Promise<ResponseOf['dialect']>
  txn(request: RequestOf<'txn'>, options?: RequestOptions): Promise<ResponseOf['txn']>
  history(request: RequestOf<'history'>, options?: RequestOptions): Promise<ResponseOf['history']>
  versions(
    request: RequestOf<'versions'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['versions']>
  meta(request: RequestOf<'meta'>, options?: RequestOptions): Promise<ResponseOf['meta']>
  search(request: RequestOf<'search'>, options?: RequestOptions): Promise<ResponseOf['search']>
  transfer(
    request: RequestOf<'transfer'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['transfer']>
  mount(request: RequestOf<'mount'>, options?: RequestOptions): Promise<ResponseOf['mount']>
  protector(
    request: RequestOf<'protector'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['protector']>
  maintain(
    request: RequestOf<'maintain'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['maintain']>
  rotate(request: RequestOf<'rotate'>, options?: RequestOptions): Promise<ResponseOf['rotate']>
  backup(request: RequestOf<'backup'>, options?: RequestOptions): Promise<ResponseOf['backup']>
  restore(request: RequestOf<'restore'>, options?: RequestOptions): Promise<ResponseOf['restore']>
  policy(request: RequestOf<'policy'>, options?: RequestOptions): Promise<ResponseOf['policy']>
  group(request: RequestOf<'group'>, options?: RequestOptions): Promise<ResponseOf['group']>
  token(request: RequestOf<'token'>, options?: RequestOptions): Promise<ResponseOf['token']>
  zone(request: RequestOf<'zone'>, options?: RequestOptions): Promise<ResponseOf['zone']>
  mfa(request: RequestOf<'mfa'>, options?: RequestOptions): Promise<ResponseOf['mfa']>
  evidence(
    request: RequestOf<'evidence'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['evidence']>

  /** Log in. A refused login is an answer with `success: false`, not an error. */
  auth(request: RequestOf<'auth'>, options?: RequestOptions): Promise<ResponseOf['auth']>
  /** End the session. */
  logout(options?: RequestOptions): Promise<ResponseOf['logout']>
  /** Ask for the version and features of the daemon; needs no login. */
  hello(request?: RequestOf<'hello'>, options?: RequestOptions): Promise<ResponseOf['hello']>
  /** Initialise, unlock or lock. */
  seal(request: RequestOf<'seal'>, options?: RequestOptions): Promise<ResponseOf['seal']>

  /**
   * Be told of changes from now on, or of those after `since_revision`.
   *
   * @returns a watch that stands; the caller reads and closes it
   * @throws SecregError `ERR_REVISION_COMPACTED` when the changes are no longer known, with `minRevision` where the
   *   daemon tells it
   */
  watch(request: RequestOf<'watch'>, options?: WatchOptions): Promise<Watch>

  /** Any request by its name, except those of a watch. */
  request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    options?: RequestOptions,
  ): Promise<ResponseOf[N]>

  /** Close at once; what is still in flight fails with `UNREACHABLE`. Calling it again is harmless. */
  close(): Promise<void>
}
