/** Opens a store over a setec server. */
import { isPermanent, openStore, type StoreOptions, systemClock } from '@secreg/store'
import { isPermanentSetecError } from './errors.ts'
import { type SetecStoreClient, setecSource } from './setec-source.ts'
import { FacadeStore, type SetecStore } from './setec-store.ts'
import { versionedCache } from './versioned-cache.ts'
import { closedError, VersionedSecret } from './versioned-secret.ts'
import { VersionedSecrets, type VersioningClient } from './versioned-secrets.ts'

/** Options of {@link openSetecStore}: those of a store, with a client in place of its source. */
export interface SetecStoreOptions<Names extends string = string>
  extends Omit<StoreOptions<Names>, 'source' | 'watch' | 'onPoll'> {
  /** A `Client`, or any source, such as a file of secrets. */
  readonly client: SetecStoreClient
}

/**
 * Open a store of the secrets of a setec server. It is there when every declared name has a value, from the cache or
 * from the server, which is asked for the missing ones again and again until they are there; a request that is wrong,
 * denied or of nobody fails at once instead.
 *
 * @returns the caller closes it
 * @throws StoreError `ERR_STORE_REFUSED`, `ERR_STORE_UNAVAILABLE`; TypeError, RangeError for a wrong option
 *
 * @example
 * ```ts
 * await using store = await openSetecStore({ client: new Client(server), secrets: ['db/password'] })
 * const password = store.secret('db/password')
 * ```
 */
export async function openSetecStore<const Names extends string = never>(
  options: SetecStoreOptions<Names>,
): Promise<SetecStore<Names>> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options: expected an object')
  }
  const { client, ...rest } = options
  const clock = options.clock ?? systemClock
  const source = setecSource(client, { clock })
  const versioning = options.allowLookup === true ? versioningOf(client) : undefined
  const secrets =
    versioning === undefined
      ? undefined
      : new VersionedSecrets({
          client: versioning,
          expiryMs: options.expiryMs ?? 0,
          nowMs: () => clock.nowMs(),
        })
  const store = await openStore<string>({
    isPermanent: (error) => isPermanentSetecError(error) || isPermanent(error),
    ...rest,
    source,
    ...(secrets === undefined
      ? {}
      : {
          onPoll: async ({ signal }) => {
            if (await secrets.poll({ signal })) store.saveCache()
          },
          ...(rest.cache === undefined ? {} : { cache: versionedCache(rest.cache, secrets) }),
        }),
  })
  const facade = new FacadeStore({
    store,
    versioned: (name) => {
      if (versioning === undefined || secrets === undefined) throw unversioned(options)
      const cached = rest.cache !== undefined
      return new VersionedSecret(name, { client: versioning, store, secrets, cached })
    },
    end: () => secrets?.end(closedError()),
    clear: () => secrets?.clear(),
  })
  return facade as SetecStore<Names>
}

function versioningOf(client: SetecStoreClient): VersioningClient | undefined {
  const { info, getVersion, createVersion } = client as Partial<VersioningClient>
  const complete = [info, getVersion, createVersion].every((part) => typeof part === 'function')
  return complete ? (client as unknown as VersioningClient) : undefined
}

function unversioned({ allowLookup }: { readonly allowLookup?: boolean }): TypeError {
  return new TypeError(
    allowLookup === true
      ? 'client: expected one with info, getVersion and createVersion, for versions'
      : 'allowLookup: expected true, for versions',
  )
}
