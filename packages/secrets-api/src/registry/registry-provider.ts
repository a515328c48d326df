/**
 * A registry as a provider (DESIGN §4): `secreg://m/p#f?version=N` is member `f` of the entry `/m/p` in its version N.
 * The registry decides, records and does everything, each call by its own rules: of a request of several calls it
 * leaves as many records as these do.
 */
import { LIMITS } from '@secreg/protocol'
import { ProviderError } from '../errors.ts'
import type { SecretMap } from '../provider/json-value.ts'
import type {
  CurrentSecret,
  ListedName,
  PinnedSecret,
  ProviderCallOptions,
  ProviderCapabilities,
  SecretMetadata,
  SecretProvider,
  StateToken,
  WrittenSecret,
} from '../provider/provider.ts'
import { UNSUPPORTED_OPERATIONS } from '../provider/unsupported.ts'
import type { SecretPlace } from '../uri/secret-uri.ts'
import { destroyVersionsOf, undeleteVersionsOf } from './change-versions.ts'
import { abortable, type RegistryProviderApi, until } from './provider-api.ts'
import { providerErrorOf, unlessAbsent } from './provider-errors.ts'
import { destroyEntry, removeEntry } from './remove-entry.ts'
import { secretMetadata, wholeHistory } from './secret-metadata.ts'
import { currentSecret, pinnedSecret, seeEntry } from './see-entry.ts'
import { writeAnyway, writeOver } from './write-entry.ts'

/**
 * A provider over a registry, as one caller of it. It keeps nothing.
 *
 * What the caller may not see in the registry, by the right to read its metadata, to read or to decrypt it, is absent
 * here, as is what is private; what he may not change is `PROVIDER_ERROR`. The subtrees of other doors, `/setec`,
 * `/libvirt` and `/kv`, are read only: their changes are `OPERATION_NOT_SUPPORTED`. The `cause` of an error is the
 * `SecregError`.
 *
 * @throws TypeError for an argument of another kind
 */
export function registryProvider(api: RegistryProviderApi): SecretProvider {
  if (typeof api?.get !== 'function') throw new TypeError('api: expected a registry')
  return new RegistryProvider(api)
}

/**
 * Subtrees of other doors, by their first segment: what stands there is written by the rules of their dialects, under
 * which a new value need not be the current one (DESIGN §4). It is read as any other.
 */
const OTHER_DOORS: ReadonlySet<string> = new Set(['setec', 'libvirt', 'kv'])

const keyOf = ({ mount, segments }: SecretPlace): string => `/${[mount, ...segments].join('/')}`

class RegistryProvider implements SecretProvider {
  readonly name = 'secreg'
  readonly capabilities: ProviderCapabilities = Object.freeze({
    versions: true,
    customMetadata: true,
    list: true,
    // Names of keys are part of what is encrypted: to tell them, everything would be decrypted.
    entries: false,
    nested: false,
  })
  readonly entries: SecretProvider['entries'] = UNSUPPORTED_OPERATIONS.entries
  readonly #api: RegistryProviderApi

  constructor(api: RegistryProviderApi) {
    this.#api = api
  }

  read(place: SecretPlace, options: ProviderCallOptions = {}): Promise<CurrentSecret> {
    return this.#ask(options, (api) => currentSecret(api, keyOf(place)))
  }

  readVersion(
    place: SecretPlace,
    version: number,
    options: ProviderCallOptions = {},
  ): Promise<PinnedSecret> {
    return this.#ask(options, (api) => pinnedSecret(api, keyOf(place), version))
  }

  write(
    place: SecretPlace,
    data: SecretMap,
    options: ProviderCallOptions & { readonly cas?: StateToken } = {},
  ): Promise<WrittenSecret> {
    const { cas } = options
    const own = new Map(data)
    return this.#change(place, options, (api) =>
      cas === undefined
        ? writeAnyway(api, keyOf(place), own)
        : writeOver(api, keyOf(place), own, cas),
    )
  }

  remove(place: SecretPlace, cas: StateToken, options: ProviderCallOptions = {}): Promise<void> {
    return this.#change(place, options, (api) => removeEntry(api, keyOf(place), cas))
  }

  destroy(place: SecretPlace, cas: StateToken, options: ProviderCallOptions = {}): Promise<void> {
    return this.#change(place, options, (api) => destroyEntry(api, keyOf(place), cas))
  }

  undelete(
    place: SecretPlace,
    versions: readonly number[],
    options: ProviderCallOptions = {},
  ): Promise<void> {
    return this.#change(place, options, (api) => undeleteVersionsOf(api, keyOf(place), versions))
  }

  destroyVersions(
    place: SecretPlace,
    versions: readonly number[],
    options: ProviderCallOptions = {},
  ): Promise<void> {
    return this.#change(place, options, (api) => destroyVersionsOf(api, keyOf(place), versions))
  }

  metadata(
    place: SecretPlace,
    options: ProviderCallOptions = {},
  ): Promise<SecretMetadata | undefined> {
    return this.#ask(options, async (api) => {
      const key = keyOf(place)
      const meta = await seeEntry(api, key)
      if (meta === undefined) return undefined
      const history = await unlessAbsent(wholeHistory(api, key))
      if (typeof history === 'string') return undefined
      return secretMetadata(meta === 'deleted' ? undefined : meta, history)
    })
  }

  patchMetadata(
    place: SecretPlace,
    members: ReadonlyMap<string, string>,
    options: ProviderCallOptions = {},
  ): Promise<void> {
    return this.#change(place, options, async (api) => {
      const key = keyOf(place)
      const custom = Object.fromEntries(members)
      const done = await unlessAbsent(api.meta({ op: 'set', key, custom }))
      if (done === 'hidden') throw new ProviderError('PROVIDER_ERROR')
      if (typeof done === 'string') throw new ProviderError('SECRET_NOT_FOUND')
    })
  }

  list(place: SecretPlace, options: ProviderCallOptions = {}): Promise<readonly ListedName[]> {
    return this.#ask(options, async (api) => {
      const prefix = keyOf(place)
      const names: ListedName[] = []
      const nameOf = (key: string): string => key.slice(prefix.length + 1)
      let after: string | undefined
      do {
        const page = await unlessAbsent(
          api.list({
            prefix,
            detail: true,
            metadata: true,
            limit: LIMITS.listKeys,
            ...(after === undefined ? {} : { after }),
          }),
        )
        if (typeof page === 'string') return []
        for (const key of page.keys) {
          if (key.endsWith('/')) names.push({ name: nameOf(key.slice(0, -1)), kind: 'folder' })
        }
        for (const { key, private: isPrivate } of page.entries ?? []) {
          // Untold where its metadata may not be read: then it cannot be seen here at all.
          if (isPrivate === false) names.push({ name: nameOf(key), kind: 'secret' })
        }
        if (page.next !== undefined && page.next === after)
          throw new ProviderError('PROVIDER_ERROR')
        after = page.next
      } while (after !== undefined)
      return names
    })
  }

  async #change<T>(
    { mount }: SecretPlace,
    options: ProviderCallOptions,
    work: (api: RegistryProviderApi) => Promise<T>,
  ): Promise<T> {
    if (OTHER_DOORS.has(mount)) throw new ProviderError('OPERATION_NOT_SUPPORTED')
    return this.#ask(options, work)
  }

  async #ask<T>(
    { signal }: ProviderCallOptions,
    work: (api: RegistryProviderApi) => Promise<T>,
  ): Promise<T> {
    try {
      if (signal === undefined) return await work(this.#api)
      return await until(work(abortable(this.#api, signal)), signal)
    } catch (error) {
      throw providerErrorOf(error, signal)
    }
  }
}
