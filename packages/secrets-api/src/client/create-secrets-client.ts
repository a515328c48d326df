/** A client of the Secrets API over HTTP (specs: secrets-api §2). */
import type { JsonValue } from '../provider/json-value.ts'
import {
  bulkOf,
  changedOf,
  deleteOf,
  foundItem,
  keysItem,
  keysOf,
  metadataOf,
  ownerOf,
  pageOf,
  rotateOf,
  transferOf,
  valueResult,
  versionsOf as versionListOf,
  writeOf,
} from './answers.ts'
import { bodyOf, prefixOf, queryOf, textOf, uriOf, versionOf, versionsOf } from './arguments.ts'
import { type Call, exchange } from './exchange.ts'
import { followEvents, type SecretsEventsOptions } from './follow-events.ts'
import {
  type ClientSettings,
  clientSettings,
  integer,
  type SecretsCallOptions,
  type SecretsClientOptions,
} from './options.ts'
import type {
  SecretBulkOperation,
  SecretBulkResult,
  SecretDeleteResult,
  SecretEventResult,
  SecretFound,
  SecretKeysResult,
  SecretMetadataResult,
  SecretOwnerResult,
  SecretRotateResult,
  SecretsPage,
  SecretTransferResult,
  SecretValueResult,
  SecretVersionsChanged,
  SecretVersionsResult,
  SecretWriteResult,
} from './results.ts'
import { isSameSecret } from './same-secret.ts'
import type { SecretsClient } from './secrets-client.ts'
import { Malformed, type Members, member } from './shape.ts'

/**
 * Make a client.
 *
 * @throws TypeError, RangeError for a wrong option, which quote none
 *
 * @example
 * ```ts
 * const client = createSecretsClient({ url: 'https://secrets.example.com', token })
 * const { value } = await client.value('openbao+kv2://secret/app/api#token')
 * ```
 */
export function createSecretsClient(options: SecretsClientOptions): SecretsClient {
  return new Client(clientSettings(options))
}

type Options = SecretsCallOptions

class Client implements SecretsClient {
  readonly #settings: ClientSettings

  constructor(settings: ClientSettings) {
    this.#settings = settings
  }

  async value(
    given: string,
    options: Options & { readonly version?: number } = {},
  ): Promise<SecretValueResult> {
    const uri = uriOf(given, 'uri')
    const { version } = options
    if (version !== undefined) versionOf(version, 'version')
    const parse = (answer: Members): SecretValueResult => {
      const result = valueResult(answer)
      // A proxy that mixes answers up must not give somebody another secret.
      if (!isSameSecret(uri, result.uri)) throw new Malformed()
      return result
    }
    return await this.#get('/value', { uri: uri.canonical, version }, parse, options)
  }

  async read(given: string, options: Options = {}): Promise<JsonValue> {
    const { canonical, fragment } = uriOf(given, 'uri')
    const parse = (answer: Members): JsonValue =>
      fragment === undefined ? answer : member(answer, 'value')
    return await this.#get('', { uri: canonical }, parse, options)
  }

  async write(
    given: string,
    value: JsonValue,
    options: Options & { readonly cas?: number } = {},
  ): Promise<SecretWriteResult> {
    const { canonical: uri } = uriOf(given, 'uri')
    const { cas } = options
    const check = cas === undefined ? {} : { cas: versionOf(cas, 'cas', 0) }
    return await this.#post('', { uri, value, ...check }, writeOf, options)
  }

  async rotate(
    given: string,
    value: JsonValue,
    options: Options = {},
  ): Promise<SecretRotateResult> {
    const { canonical: uri } = uriOf(given, 'uri')
    return await this.#post('/rotate', { uri, value }, rotateOf, options)
  }

  async delete(uri: string, options: Options = {}): Promise<SecretDeleteResult> {
    return await this.#delete(uri, false, options)
  }

  async destroy(uri: string, options: Options = {}): Promise<SecretDeleteResult> {
    return await this.#delete(uri, true, options)
  }

  async keys(given: string, options: Options = {}): Promise<SecretKeysResult> {
    const { canonical: uri } = uriOf(given, 'uri')
    return await this.#get('/keys', { uri }, keysOf, options)
  }

  async list(
    given: string,
    options: Options & { readonly offset?: number; readonly limit?: number } = {},
  ): Promise<SecretsPage<SecretKeysResult>> {
    const query = { prefix: prefixOf(given), ...rangeOf(options.offset, options.limit, 'limit') }
    return await this.#get('/metadata', query, pageOf(keysItem), options)
  }

  async metadata(given: string, options: Options = {}): Promise<SecretMetadataResult> {
    const { canonical: uri } = uriOf(given, 'uri')
    return await this.#get('/metadata/detail', { uri }, metadataOf, options)
  }

  async versions(given: string, options: Options = {}): Promise<SecretVersionsResult> {
    const { canonical: uri } = uriOf(given, 'uri')
    return await this.#get('/versions', { uri }, versionListOf, options)
  }

  async setOwner(given: string, owner: string, options: Options = {}): Promise<SecretOwnerResult> {
    const { canonical: uri } = uriOf(given, 'uri')
    const body = { uri, owner: textOf(owner, 'owner') }
    return await this.#post('/metadata/owner', body, ownerOf, options)
  }

  async undelete(
    uri: string,
    versions: readonly number[],
    options: Options = {},
  ): Promise<SecretVersionsChanged> {
    return await this.#change('/undelete', uri, versions, options)
  }

  async destroyVersions(
    uri: string,
    versions: readonly number[],
    options: Options = {},
  ): Promise<SecretVersionsChanged> {
    return await this.#change('/destroy-versions', uri, versions, options)
  }

  async *search(
    text: string,
    options: Options & { readonly prefix?: string; readonly pageSize?: number } = {},
  ): AsyncGenerator<SecretFound, void, undefined> {
    const prefix = options.prefix === undefined ? undefined : prefixOf(options.prefix)
    const q = textOf(text, 'text')
    const { limit } = rangeOf(undefined, options.pageSize, 'pageSize')
    for (let offset = 0; ; ) {
      const parse = (answer: Members): SecretsPage<SecretFound> => {
        const page = pageOf(foundItem)(answer)
        if (page.offset !== offset || page.items.length > page.limit) throw new Malformed()
        return page
      }
      const { items, total } = await this.#get(
        '/search',
        { q, prefix, limit, offset },
        parse,
        options,
      )
      yield* items
      offset += items.length
      if (items.length === 0 || offset >= total) return
    }
  }

  async bulk(
    operations: readonly SecretBulkOperation[],
    options: Options & { readonly continueOnError?: boolean } = {},
  ): Promise<SecretBulkResult> {
    if (!Array.isArray(operations)) throw new TypeError('operations: expected a list')
    const sent = operations.map((operation: SecretBulkOperation) => ({
      ...operation,
      uri: uriOf(operation.uri, 'operations').canonical,
    }))
    const { continueOnError } = options
    const body = { operations: sent, ...(continueOnError === undefined ? {} : { continueOnError }) }
    return await this.#post('/bulk', body, bulkOf(sent.length), options)
  }

  async copy(
    from: string,
    to: string,
    options: Options & { readonly overwrite?: boolean } = {},
  ): Promise<SecretTransferResult> {
    return await this.#transfer('/copy', from, to, options)
  }

  async move(
    from: string,
    to: string,
    options: Options & { readonly overwrite?: boolean } = {},
  ): Promise<SecretTransferResult> {
    return await this.#transfer('/move', from, to, options)
  }

  events(options: SecretsEventsOptions = {}): AsyncIterable<SecretEventResult> {
    return followEvents(this.#settings, options)
  }

  #transfer(
    path: string,
    from: string,
    to: string,
    options: Options & { readonly overwrite?: boolean },
  ): Promise<SecretTransferResult> {
    const body = {
      fromUri: uriOf(from, 'fromUri').canonical,
      toUri: uriOf(to, 'toUri').canonical,
      overwrite: options.overwrite ?? false,
    }
    return this.#post(path, body, transferOf, options)
  }

  #change(
    path: string,
    given: string,
    versions: readonly number[],
    options: Options,
  ): Promise<SecretVersionsChanged> {
    const body = { uri: uriOf(given, 'uri').canonical, versions: versionsOf(versions) }
    return this.#post(path, body, changedOf, options)
  }

  #delete(given: string, destroy: boolean, options: Options): Promise<SecretDeleteResult> {
    const query = queryOf({ uri: uriOf(given, 'uri').canonical, destroy })
    return this.#send({ method: 'DELETE', path: '', query, parse: deleteOf }, options)
  }

  #get<T>(
    path: string,
    query: Readonly<Record<string, string | number | undefined>>,
    parse: (answer: Members) => T,
    options: Options,
  ): Promise<T> {
    return this.#send({ method: 'GET', path, query: queryOf(query), parse }, options)
  }

  #post<T>(
    path: string,
    members: Readonly<Record<string, unknown>>,
    parse: (answer: Members) => T,
    options: Options,
  ): Promise<T> {
    return this.#send({ method: 'POST', path, body: bodyOf(members), parse }, options)
  }

  #send<T>(call: Call<T>, { signal }: Options): Promise<T> {
    return exchange(this.#settings, call, signal === undefined ? {} : { signal })
  }
}

/** Defaults are the server's. */
function rangeOf(
  offset: number | undefined,
  limit: number | undefined,
  name: string,
): { readonly offset: number | undefined; readonly limit: number | undefined } {
  return {
    offset: offset === undefined ? undefined : integer(offset, 0, 2 ** 31 - 1, 'offset'),
    limit: limit === undefined ? undefined : integer(limit, 1, 1000, name),
  }
}
