/** One connection to the registry socket: every request of the protocol as a method. */
import type { Socket } from 'node:net'
import type { RequestName, RequestOf, ResponseOf } from '@secreg/protocol'
import type { ConnectionSettings, RequestOptions, WatchOptions } from './options.ts'
import { Pipeline } from './pipeline.ts'
import type { RegistryConnection } from './types.ts'
import type { Watch } from './watch.ts'
import { Watches } from './watches.ts'

/** A connection that stands; made by `connectRegistry`. */
export class Connection implements RegistryConnection {
  readonly #pipeline: Pipeline
  readonly #watches: Watches

  constructor(socket: Socket, settings: ConnectionSettings) {
    this.#pipeline = new Pipeline(socket, settings, {
      pushed: (frame) => this.#watches.take(frame),
      ended: (error) => this.#watches.end(error),
    })
    this.#watches = new Watches(this.#pipeline, settings.keepAliveMs)
  }

  get socketPath(): string {
    return this.#pipeline.socketPath
  }

  get sessionId(): string | undefined {
    return this.#pipeline.sessionId
  }

  get closed(): boolean {
    return this.#pipeline.closed
  }

  get(request: RequestOf<'get'>, options?: RequestOptions): Promise<ResponseOf['get']> {
    return this.request('get', request, options)
  }

  set(request: RequestOf<'set'>, options?: RequestOptions): Promise<ResponseOf['set']> {
    return this.request('set', request, options)
  }

  delete(request: RequestOf<'delete'>, options?: RequestOptions): Promise<ResponseOf['delete']> {
    return this.request('delete', request, options)
  }

  list(request: RequestOf<'list'>, options?: RequestOptions): Promise<ResponseOf['list']> {
    return this.request('list', request, options)
  }

  auth(request: RequestOf<'auth'>, options?: RequestOptions): Promise<ResponseOf['auth']> {
    return this.request('auth', request, options)
  }

  logout(options?: RequestOptions): Promise<ResponseOf['logout']> {
    return this.request('logout', {}, options)
  }

  hello(request: RequestOf<'hello'> = {}, options?: RequestOptions): Promise<ResponseOf['hello']> {
    return this.request('hello', request, options)
  }

  status(options?: RequestOptions): Promise<ResponseOf['status']> {
    return this.request('status', {}, options)
  }

  audit(request: RequestOf<'audit'>, options?: RequestOptions): Promise<ResponseOf['audit']> {
    return this.request('audit', request, options)
  }

  export(request: RequestOf<'export'>, options?: RequestOptions): Promise<ResponseOf['export']> {
    return this.request('export', request, options)
  }

  import(request: RequestOf<'import'>, options?: RequestOptions): Promise<ResponseOf['import']> {
    return this.request('import', request, options)
  }

  seal(request: RequestOf<'seal'>, options?: RequestOptions): Promise<ResponseOf['seal']> {
    return this.request('seal', request, options)
  }

  user(request: RequestOf<'user'>, options?: RequestOptions): Promise<ResponseOf['user']> {
    return this.request('user', request, options)
  }

  whoami(options?: RequestOptions): Promise<ResponseOf['whoami']> {
    return this.request('whoami', {}, options)
  }

  password(
    request: RequestOf<'password'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['password']> {
    return this.request('password', request, options)
  }

  security(
    request: RequestOf<'security'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['security']> {
    return this.request('security', request, options)
  }

  dialect(request: RequestOf<'dialect'>, options?: RequestOptions): Promise<ResponseOf['dialect']> {
    return this.request('dialect', request, options)
  }

  txn(request: RequestOf<'txn'>, options?: RequestOptions): Promise<ResponseOf['txn']> {
    return this.request('txn', request, options)
  }

  history(request: RequestOf<'history'>, options?: RequestOptions): Promise<ResponseOf['history']> {
    return this.request('history', request, options)
  }

  versions(
    request: RequestOf<'versions'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['versions']> {
    return this.request('versions', request, options)
  }

  meta(request: RequestOf<'meta'>, options?: RequestOptions): Promise<ResponseOf['meta']> {
    return this.request('meta', request, options)
  }

  search(request: RequestOf<'search'>, options?: RequestOptions): Promise<ResponseOf['search']> {
    return this.request('search', request, options)
  }

  transfer(
    request: RequestOf<'transfer'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['transfer']> {
    return this.request('transfer', request, options)
  }

  maintain(
    request: RequestOf<'maintain'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['maintain']> {
    return this.request('maintain', request, options)
  }

  policy(request: RequestOf<'policy'>, options?: RequestOptions): Promise<ResponseOf['policy']> {
    return this.request('policy', request, options)
  }

  group(request: RequestOf<'group'>, options?: RequestOptions): Promise<ResponseOf['group']> {
    return this.request('group', request, options)
  }

  token(request: RequestOf<'token'>, options?: RequestOptions): Promise<ResponseOf['token']> {
    return this.request('token', request, options)
  }

  zone(request: RequestOf<'zone'>, options?: RequestOptions): Promise<ResponseOf['zone']> {
    return this.request('zone', request, options)
  }

  mfa(request: RequestOf<'mfa'>, options?: RequestOptions): Promise<ResponseOf['mfa']> {
    return this.request('mfa', request, options)
  }

  evidence(
    request: RequestOf<'evidence'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['evidence']> {
    return this.request('evidence', request, options)
  }

  rotate(request: RequestOf<'rotate'>, options?: RequestOptions): Promise<ResponseOf['rotate']> {
    return this.request('rotate', request, options)
  }

  backup(request: RequestOf<'backup'>, options?: RequestOptions): Promise<ResponseOf['backup']> {
    return this.request('backup', request, options)
  }

  restore(request: RequestOf<'restore'>, options?: RequestOptions): Promise<ResponseOf['restore']> {
    return this.request('restore', request, options)
  }

  mount(request: RequestOf<'mount'>, options?: RequestOptions): Promise<ResponseOf['mount']> {
    return this.request('mount', request, options)
  }

  protector(
    request: RequestOf<'protector'>,
    options?: RequestOptions,
  ): Promise<ResponseOf['protector']> {
    return this.request('protector', request, options)
  }

  async watch(request: RequestOf<'watch'>, options: WatchOptions = {}): Promise<Watch> {
    return await this.#watches.open(request, options)
  }

  request<N extends RequestName>(
    name: N,
    payload: RequestOf<N>,
    options: RequestOptions = {},
  ): Promise<ResponseOf[N]> {
    if (name === 'watch' || name === 'unwatch') {
      return Promise.reject(new TypeError(`${name}: expected a call of the method watch`))
    }
    return this.#pipeline.request(name, payload, options)
  }

  close(): Promise<void> {
    return this.#pipeline.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
