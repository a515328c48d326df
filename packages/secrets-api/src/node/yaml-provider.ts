/**
 * Secrets in a YAML file, for development: the first key is the mount, segments lead through nested maps, and a fragment
 * is the last key (specs: secrets-api §5.2). A map within a map is both a value of the outer and a secret of its own.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { ProviderError } from '../errors.ts'
import { guardYaml } from '../provider/environment.ts'
import {
  isJsonObject,
  objectOfSecretMap,
  type SecretMap,
  secretMapOf,
} from '../provider/json-value.ts'
import type {
  CurrentSecret,
  ProviderCallOptions,
  ProviderCapabilities,
  SecretKeys,
  SecretProvider,
  StateToken,
  WrittenSecret,
} from '../provider/provider.ts'
import { UNSUPPORTED_OPERATIONS } from '../provider/unsupported.ts'
import type { SecretPlace } from '../uri/secret-uri.ts'
import { FileLock, LockTimeoutError } from './file-lock.ts'
import { formatYaml, putMap, removeNode } from './yaml-edit.ts'
import { assertDirectory, readYamlFile, replaceYamlFile } from './yaml-file.ts'
import { YamlFileError } from './yaml-file-error.ts'
import { readYaml, type YamlText, YamlTextFault, type YamlTree } from './yaml-text.ts'

/** Options of {@link YamlProvider}. */
export interface YamlProviderOptions {
  /**
   * The file. It need not be there; its directory must, and must be one that no other user can write to. The file is
   * this user's, with mode 0600 or less.
   */
  readonly path: string
  /** Value of `ENVIRONMENT`; see `yamlAccess`. */
  readonly environment: string | undefined
  /** How long a write waits for other processes, milliseconds. Default 10,000. */
  readonly lockTimeoutMs?: number
}

const NOTHING: YamlTree = Object.freeze({})

/**
 * A YAML file as a provider. Every call reads the file, so that what an editor changes is seen at once; a write keeps
 * comments, replaces the file as a whole, and waits for those of other processes.
 *
 * Its errors beside those of the interface: `PROVIDER_ERROR`, whose `cause` is a `YamlFileError` that names the fault and
 * the line; `PROVIDER_BUSY` when the lock is not free in time; `YAML_WRITE_FORBIDDEN` and `PROVIDER_NOT_CONFIGURED`
 * outside development; `PROVIDER_TIMEOUT` when `signal` ends the wait.
 */
export class YamlProvider implements SecretProvider {
  readonly name = 'yaml'
  readonly capabilities: ProviderCapabilities = Object.freeze({
    versions: false,
    customMetadata: false,
    list: false,
    entries: true,
    nested: true,
  })
  readonly readVersion: SecretProvider['readVersion'] = UNSUPPORTED_OPERATIONS.readVersion
  readonly destroy: SecretProvider['destroy'] = UNSUPPORTED_OPERATIONS.destroy
  readonly undelete: SecretProvider['undelete'] = UNSUPPORTED_OPERATIONS.undelete
  readonly destroyVersions: SecretProvider['destroyVersions'] =
    UNSUPPORTED_OPERATIONS.destroyVersions
  readonly metadata: SecretProvider['metadata'] = UNSUPPORTED_OPERATIONS.metadata
  readonly patchMetadata: SecretProvider['patchMetadata'] = UNSUPPORTED_OPERATIONS.patchMetadata
  readonly list: SecretProvider['list'] = UNSUPPORTED_OPERATIONS.list
  readonly #path: string
  readonly #environment: string | undefined
  readonly #lock: FileLock
  /** Tokens tell nothing of values, not even to whoever can guess them. */
  readonly #tokenKey: Uint8Array = randomBytes(32)

  constructor({ path, environment, lockTimeoutMs = 10_000 }: YamlProviderOptions) {
    if (typeof path !== 'string' || path === '' || path.includes('\0')) {
      throw new TypeError('path: expected the path of a file')
    }
    if (!Number.isFinite(lockTimeoutMs) || lockTimeoutMs < 0) {
      throw new RangeError(`lockTimeoutMs: expected 0 or more, got ${lockTimeoutMs}`)
    }
    this.#path = resolve(path)
    this.#environment = environment
    this.#lock = new FileLock(`${this.#path}.lock`, { timeoutMs: lockTimeoutMs })
  }

  async read(place: SecretPlace): Promise<CurrentSecret> {
    guardYaml(this.#environment, 'read')
    const data = mapAt((await this.#load()).tree, place)
    const token = this.#tokenOf(data)
    return data === undefined
      ? { kind: 'absent', token }
      : { kind: 'found', data: secretMapOf(data), version: null, token }
  }

  async write(
    place: SecretPlace,
    data: SecretMap,
    options: ProviderCallOptions & { readonly cas?: StateToken } = {},
  ): Promise<WrittenSecret> {
    let first = false
    await this.#change(place, options, ({ document, tree }, present) => {
      first = present === undefined
      putMap(document, namesOf(place), data)
      return withMap(tree, namesOf(place), objectOfSecretMap(data))
    })
    return { version: null, first }
  }

  async remove(
    place: SecretPlace,
    cas: StateToken,
    options: ProviderCallOptions = {},
  ): Promise<void> {
    await this.#change(place, { ...options, cas }, ({ document, tree }) => {
      removeNode(document, namesOf(place))
      return withMap(tree, namesOf(place), undefined)
    })
  }

  async entries(place: SecretPlace): Promise<readonly SecretKeys[]> {
    guardYaml(this.#environment, 'read')
    const { tree } = await this.#load()
    const found: SecretKeys[] = []
    collect(place, mapAt(tree, place), found)
    return found
  }

  /** @param change makes the document another one, and tells what it then says */
  async #change(
    place: SecretPlace,
    { cas, signal }: ProviderCallOptions & { readonly cas?: StateToken },
    change: (text: YamlText, present: YamlTree | undefined) => YamlTree,
  ): Promise<void> {
    guardYaml(this.#environment, 'write')
    try {
      await assertDirectory(this.#path)
      await this.#lock.hold(async () => {
        const text = await this.#load()
        const present = mapAt(text.tree, place)
        if (cas !== undefined && cas !== this.#tokenOf(present)) {
          throw new ProviderError('CAS_MISMATCH')
        }
        const tree = change(text, present)
        await replaceYamlFile(this.#path, formatYaml(text.document, tree))
      }, signal)
    } catch (cause) {
      throw this.#errorOf(cause, signal)
    }
  }

  async #load(): Promise<YamlText> {
    try {
      return readYaml((await readYamlFile(this.#path)) ?? '')
    } catch (cause) {
      throw this.#errorOf(cause)
    }
  }

  #errorOf(cause: unknown, signal?: AbortSignal): ProviderError {
    if (cause instanceof ProviderError) return cause
    if (cause instanceof LockTimeoutError) {
      const fault = new YamlFileError('LOCKED', this.#path, { cause })
      return new ProviderError('PROVIDER_BUSY', { cause: fault, retryAfterSeconds: 1 })
    }
    if (cause instanceof YamlTextFault) {
      const place = cause.line === undefined ? {} : { line: cause.line }
      const fault = new YamlFileError(cause.fault, this.#path, place)
      return new ProviderError('PROVIDER_ERROR', { cause: fault })
    }
    if (signal?.aborted === true) return new ProviderError('PROVIDER_TIMEOUT', { cause })
    const fault =
      cause instanceof YamlFileError
        ? cause
        : new YamlFileError('UNWRITABLE', this.#path, { cause })
    return new ProviderError('PROVIDER_ERROR', { cause: fault })
  }

  #tokenOf(data: YamlTree | undefined): StateToken {
    if (data === undefined) return 'absent'
    return createHmac('sha256', this.#tokenKey).update(JSON.stringify(data)).digest('base64url')
  }
}

const namesOf = ({ mount, segments }: SecretPlace): readonly string[] => [mount, ...segments]

/** The map at a place; undefined where there is none, or another value. */
function mapAt(tree: YamlTree, place: SecretPlace): YamlTree | undefined {
  let map: YamlTree | undefined = tree
  for (const name of namesOf(place)) {
    const value: unknown = map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined
    map = isJsonObject(value) ? value : undefined
  }
  return map
}

/** A tree with another map in it, or without what is there; maps on the way are made. */
function withMap(
  tree: YamlTree,
  [name = '', ...rest]: readonly string[],
  data: YamlTree | undefined,
): YamlTree {
  const members = new Map(Object.entries(tree))
  const present = members.get(name)
  const child = isJsonObject(present) ? present : NOTHING
  if (rest.length > 0) members.set(name, withMap(child, rest, data))
  else if (data === undefined) members.delete(name)
  else members.set(name, data)
  return Object.fromEntries(members)
}

/** All secrets at a place or below: maps that have keys of their own, or nothing at all. */
function collect(place: SecretPlace, map: YamlTree | undefined, found: SecretKeys[]): void {
  if (map === undefined) return
  const members = Object.entries(map)
  const keys = members.filter(([, value]) => !isJsonObject(value)).map(([name]) => name)
  const { mount, segments } = place
  if (segments.length > 0 && (keys.length > 0 || members.length === 0)) {
    found.push({ mount, segments, keys })
  }
  for (const [name, value] of members) {
    if (isJsonObject(value)) collect({ mount, segments: [...segments, name] }, value, found)
  }
}
