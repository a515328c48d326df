/** A client of the key-value secrets, version 2, of OpenBao and Vault. */
import {
  configResult,
  doneResult,
  keyMetadataResult,
  listResult,
  patchResult,
  readResult,
  subkeysResult,
  writeResult,
} from './answers.ts'
import { type CallSettings, checkedData, checkedVersions, queryOf } from './arguments.ts'
import type { Kv2Operation } from './errors.ts'
import type { Asked } from './exchange.ts'
import type { JsonObject } from './json.ts'
import { patchMetadataOf } from './metadata-patch.ts'
import {
  type Kv2MetadataPatch,
  type Kv2MetadataSettings,
  metadataBody,
} from './metadata-settings.ts'
import {
  integer,
  type Kv2CallOptions,
  type Kv2ClientOptions,
  mountOf,
  settingsOf,
} from './options.ts'
import { encodeFolder, encodeMount, encodePath, type Kv2Path } from './path.ts'
import { Pipeline, type Send } from './pipeline.ts'
import type {
  Kv2Config,
  Kv2KeyMetadata,
  Kv2PatchResult,
  Kv2ReadResult,
  Kv2SubkeysResult,
  Kv2VersionMetadata,
} from './results.ts'

/** Which version is read. */
export interface Kv2ReadOptions extends Kv2CallOptions {
  /** 1 or more. Default the current one. */
  readonly version?: number
}

/** Which levels of the structure are read. */
export interface Kv2SubkeysOptions extends Kv2ReadOptions {
  /** Levels, 1 or more. Default all. */
  readonly depth?: number
}

/** Under which condition something is written. */
export interface Kv2WriteOptions extends Kv2CallOptions {
  /** Number of the current version; 0: there is none. Default: whatever it is. */
  readonly cas?: number
}

/** Under which condition metadata are written; OpenBao only. */
export interface Kv2MetadataWriteOptions extends Kv2CallOptions {
  /** Version of the metadata; 0: there are none. Default: whatever it is. */
  readonly metadataCas?: number
}

/** Which part of a list is read; Vault knows neither and lists all. */
export interface Kv2ListOptions extends Kv2CallOptions {
  /** Name after which it begins. */
  readonly after?: string
  /** Most names, 1 or more. Default all. */
  readonly limit?: number
}

/**
 * Secrets of one mount. Paths are text with slashes or lists of segments; what is not plain is refused before anything is
 * sent (`ERR_KV2_INVALID_PATH`). Every method is rejected with a `Kv2Error`, or with the reason of its signal; wrong
 * arguments are a TypeError or RangeError.
 */
export interface Kv2Mount {
  /** A version with its data. What is deleted, destroyed or absent is a result too. */
  read(path: Kv2Path, options?: Kv2ReadOptions): Promise<Kv2ReadResult>
  /**
   * Write a new version.
   *
   * @throws Kv2Error `ERR_KV2_CAS_MISMATCH`, `ERR_KV2_CAS_REQUIRED`
   */
  write(path: Kv2Path, data: JsonObject, options?: Kv2WriteOptions): Promise<Kv2VersionMetadata>
  /** Write a new version that is the current one with a merge patch (RFC 7396); `null` removes a member. */
  patch(path: Kv2Path, patch: JsonObject, options?: Kv2WriteOptions): Promise<Kv2PatchResult>
  /** Delete the current version, so that it can be undeleted. Nothing happens when there is none. */
  deleteLatest(path: Kv2Path, options?: Kv2CallOptions): Promise<void>
  /** Delete versions, so that they can be undeleted. Unknown ones are passed over. */
  deleteVersions(
    path: Kv2Path,
    versions: readonly number[],
    options?: Kv2CallOptions,
  ): Promise<void>
  /** Take the deletion of versions back. Unknown and destroyed ones are passed over. */
  undelete(path: Kv2Path, versions: readonly number[], options?: Kv2CallOptions): Promise<void>
  /** Erase the data of versions for good. Unknown ones are passed over. */
  destroyVersions(
    path: Kv2Path,
    versions: readonly number[],
    options?: Kv2CallOptions,
  ): Promise<void>
  /** Erase a key with all versions and metadata for good. Nothing happens when there is none. */
  deleteMetadata(path: Kv2Path, options?: Kv2CallOptions): Promise<void>
  /** Everything about a key but its data; undefined when there is none. */
  readMetadata(path: Kv2Path, options?: Kv2CallOptions): Promise<Kv2KeyMetadata | undefined>
  /**
   * Change settings of a key. Where the server demands check-and-set of metadata, the version is read first; where the
   * token or the server does not allow PATCH, the settings are read and written whole, with check-and-set where there is
   * one: on Vault, what another client changes in between is lost.
   *
   * @returns false: there is no such key
   * @throws Kv2Error `ERR_KV2_CAS_MISMATCH`: they were changed meanwhile
   */
  patchMetadata(path: Kv2Path, patch: Kv2MetadataPatch, options?: Kv2CallOptions): Promise<boolean>
  /** Write settings of a key, which is made when there is none. */
  writeMetadata(
    path: Kv2Path,
    settings: Kv2MetadataSettings,
    options?: Kv2MetadataWriteOptions,
  ): Promise<void>
  /** Names in a folder, sorted by bytes; those of folders end with a slash. Empty when there is none. */
  list(folder: Kv2Path, options?: Kv2ListOptions): Promise<readonly string[]>
  /** The structure of a version, without its values. */
  subkeys(path: Kv2Path, options?: Kv2SubkeysOptions): Promise<Kv2SubkeysResult>
  /** Settings of the mount. */
  config(options?: Kv2CallOptions): Promise<Kv2Config>
}

/** A client: one mount, and the way to others of the same server. */
export interface Kv2Client extends Kv2Mount, AsyncDisposable {
  /** Another mount, over the same token, connections, circuit and limits. */
  mount(name: Kv2Path): Kv2Mount
  /** End calls under way (`ERR_KV2_CLOSED`) and let the connections go. */
  close(): Promise<void>
}

/**
 * Make a client. Nothing is sent before the first call.
 *
 * @throws TypeError, RangeError which quote no credential
 */
export function createKv2Client(options: Kv2ClientOptions): Kv2Client {
  const pipeline = new Pipeline(settingsOf(options))
  const first = new MountClient(pipeline, mountOf(options))
  return Object.assign(first, {
    mount: (name: Kv2Path): Kv2Mount => new MountClient(pipeline, encodeMount(name)),
    close: (): Promise<void> => pipeline.close(),
    [Symbol.asyncDispose]: (): Promise<void> => pipeline.close(),
  })
}

class MountClient implements Kv2Mount {
  readonly #pipeline: Pipeline
  readonly #mount: string

  /** @param mount - encoded */
  constructor(pipeline: Pipeline, mount: string) {
    this.#pipeline = pipeline
    this.#mount = mount
  }

  async read(path: Kv2Path, options: Kv2ReadOptions = {}): Promise<Kv2ReadResult> {
    const { version } = options
    const asked = this.#get('read', `data/${encodePath(path)}${queryOf({ version })}`)
    return this.#ask(asked, options, async (send) => readResult(asked, await send(asked), version))
  }

  async subkeys(path: Kv2Path, options: Kv2SubkeysOptions = {}): Promise<Kv2SubkeysResult> {
    const { version, depth } = options
    const asked = this.#get('subkeys', `subkeys/${encodePath(path)}${queryOf({ version, depth })}`)
    return this.#ask(asked, options, async (send) =>
      subkeysResult(asked, await send(asked), version),
    )
  }

  async write(
    path: Kv2Path,
    data: JsonObject,
    options: Kv2WriteOptions = {},
  ): Promise<Kv2VersionMetadata> {
    const asked = this.#post('write', `data/${encodePath(path)}`, checkedData(data, options.cas))
    return this.#ask(asked, options, async (send) =>
      writeResult(asked, await send(asked), options.cas),
    )
  }

  async patch(
    path: Kv2Path,
    patch: JsonObject,
    options: Kv2WriteOptions = {},
  ): Promise<Kv2PatchResult> {
    const body = checkedData(patch, options.cas)
    const asked: Asked = {
      ...this.#post('patch', `data/${encodePath(path)}`, body),
      method: 'PATCH',
    }
    return this.#ask(asked, options, async (send) =>
      patchResult(asked, await send(asked), options.cas),
    )
  }

  async deleteLatest(path: Kv2Path, options: Kv2CallOptions = {}): Promise<void> {
    return this.#do(this.#delete('delete-latest', `data/${encodePath(path)}`), options)
  }

  async deleteVersions(
    path: Kv2Path,
    versions: readonly number[],
    options: Kv2CallOptions = {},
  ): Promise<void> {
    const body = checkedVersions(versions)
    return this.#do(this.#post('delete-versions', `delete/${encodePath(path)}`, body), options)
  }

  async undelete(
    path: Kv2Path,
    versions: readonly number[],
    options: Kv2CallOptions = {},
  ): Promise<void> {
    const body = checkedVersions(versions)
    return this.#do(this.#post('undelete', `undelete/${encodePath(path)}`, body), options)
  }

  async destroyVersions(
    path: Kv2Path,
    versions: readonly number[],
    options: Kv2CallOptions = {},
  ): Promise<void> {
    const body = checkedVersions(versions)
    return this.#do(this.#post('destroy-versions', `destroy/${encodePath(path)}`, body), options)
  }

  async deleteMetadata(path: Kv2Path, options: Kv2CallOptions = {}): Promise<void> {
    return this.#do(this.#delete('delete-metadata', `metadata/${encodePath(path)}`), options)
  }

  async readMetadata(
    path: Kv2Path,
    options: Kv2CallOptions = {},
  ): Promise<Kv2KeyMetadata | undefined> {
    const asked = this.#get('read-metadata', `metadata/${encodePath(path)}`)
    return this.#ask(asked, options, async (send) => keyMetadataResult(asked, await send(asked)))
  }

  async writeMetadata(
    path: Kv2Path,
    settings: Kv2MetadataSettings,
    options: Kv2MetadataWriteOptions = {},
  ): Promise<void> {
    const { metadataCas } = options
    if (metadataCas !== undefined) integer(metadataCas, 0, Number.MAX_SAFE_INTEGER, 'metadataCas')
    const body = JSON.stringify({
      ...metadataBody(settings, false),
      ...(metadataCas !== undefined && { metadata_cas: metadataCas }),
    })
    return this.#do(this.#post('write-metadata', `metadata/${encodePath(path)}`, body), options)
  }

  async patchMetadata(
    path: Kv2Path,
    patch: Kv2MetadataPatch,
    options: Kv2CallOptions = {},
  ): Promise<boolean> {
    const body = metadataBody(patch, true)
    const target = `${this.#mount}/metadata/${encodePath(path)}`
    return this.#ask({ operation: 'patch-metadata', readOnly: false }, options, (send) =>
      patchMetadataOf(send, target, body),
    )
  }

  async list(folder: Kv2Path, options: Kv2ListOptions = {}): Promise<readonly string[]> {
    const { after, limit } = options
    const query = queryOf({ list: 'true', after, limit })
    const asked = this.#get('list', `metadata/${encodeFolder(folder)}${query}`)
    return this.#ask(asked, options, async (send) => listResult(asked, await send(asked)))
  }

  async config(options: Kv2CallOptions = {}): Promise<Kv2Config> {
    const asked = this.#get('config', 'config')
    return this.#ask(asked, options, async (send) => configResult(asked, await send(asked)))
  }

  #get(operation: Kv2Operation, path: string): Asked {
    return { operation, method: 'GET', path: `${this.#mount}/${path}`, readOnly: true }
  }

  #post(operation: Kv2Operation, path: string, body: string): Asked {
    return { operation, method: 'POST', path: `${this.#mount}/${path}`, body, readOnly: false }
  }

  #delete(operation: Kv2Operation, path: string): Asked {
    return { operation, method: 'DELETE', path: `${this.#mount}/${path}`, readOnly: false }
  }

  #ask<T>(
    call: CallSettings,
    { signal }: Kv2CallOptions,
    work: (send: Send) => Promise<T>,
  ): Promise<T> {
    return this.#pipeline.run(call, signal, work)
  }

  #do(asked: Asked, options: Kv2CallOptions): Promise<void> {
    return this.#ask(asked, options, async (send) => doneResult(asked, await send(asked)))
  }
}
