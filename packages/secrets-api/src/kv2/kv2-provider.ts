/**
 * A server of KV version 2 as a provider (specs: secrets-api §5.3).
 *
 * Its check-and-set compares the number of the latest version, and only writes have one. So changes of one secret through
 * one provider wait for each other, and each looks at the state before it is made. What other programs do to the server
 * at the same moment is checked as far as the server can: a write is refused when there is a newer version, whoever made
 * it, and what is deleted is the version that was named, never a newer one. Beyond that, between the look and the change:
 * a version that another program deletes, undeletes or destroys, or that ends by itself, does not stop a write over it; of
 * two programs that remove or destroy a secret, both may be told that they did; and what another program writes is
 * destroyed with the rest.
 */
import { type Kv2Client, Kv2Error, type Kv2Mount } from '@secreg/kv2'
import { ProviderError } from '../errors.ts'
import { withCasRetry } from '../operations/cas-retry.ts'
import { objectOfSecretMap, type SecretMap } from '../provider/json-value.ts'
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
import { providerErrorOf } from './provider-errors.ts'
import { listedName, pinnedSecret, secretMetadata } from './results.ts'
import { NEVER_WRITTEN, stateToken } from './state-token.ts'
import { Turns } from './turns.ts'

/** What of a client is needed: the way to its mounts. */
export type Kv2ProviderClient = Pick<Kv2Client, 'mount'>

/** Options of {@link kv2Provider}. */
export interface Kv2ProviderOptions {
  /** Of the server; whoever made it closes it. Its token speaks for everybody who asks the provider. */
  readonly client: Kv2ProviderClient
  readonly name: 'openbao' | 'hashicorp'
}

/**
 * A provider over a client. There should be one for a server in a process: its changes of one secret wait for each other,
 * 200 of them at most.
 *
 * Its errors beside those of the interface have a `Kv2Error` as their `cause`, which quotes nothing of the server.
 *
 * @throws TypeError for an argument of another kind
 */
export function kv2Provider({ client, name }: Kv2ProviderOptions): SecretProvider {
  if (typeof client?.mount !== 'function') throw new TypeError('client: expected a client of KV v2')
  if (name !== 'openbao' && name !== 'hashicorp') {
    throw new TypeError('name: expected openbao or hashicorp')
  }
  return new Kv2Provider(client, name)
}

/** A secret as the client is asked for it. */
interface Asked {
  readonly mount: Kv2Mount
  readonly path: readonly string[]
  readonly call: ProviderCallOptions
}

class Kv2Provider implements SecretProvider {
  readonly name: 'openbao' | 'hashicorp'
  readonly capabilities: ProviderCapabilities = Object.freeze({
    versions: true,
    customMetadata: true,
    list: true,
    entries: false,
    nested: false,
  })
  readonly entries: SecretProvider['entries'] = UNSUPPORTED_OPERATIONS.entries
  readonly #client: Kv2ProviderClient
  readonly #turns = new Turns()

  constructor(client: Kv2ProviderClient, name: 'openbao' | 'hashicorp') {
    this.#client = client
    this.name = name
  }

  read(place: SecretPlace, options: ProviderCallOptions = {}): Promise<CurrentSecret> {
    return this.#ask(place, options, async ({ mount, path, call }) => {
      const current = await mount.read(path, call)
      return { ...pinnedSecret(current), token: stateToken(current) }
    })
  }

  readVersion(
    place: SecretPlace,
    version: number,
    options: ProviderCallOptions = {},
  ): Promise<PinnedSecret> {
    return this.#ask(place, options, async ({ mount, path, call }) =>
      pinnedSecret(await mount.read(path, { ...call, version })),
    )
  }

  write(
    place: SecretPlace,
    data: SecretMap,
    options: ProviderCallOptions & { readonly cas?: StateToken } = {},
  ): Promise<WrittenSecret> {
    const { cas } = options
    return this.#change(place, options, async (asked) => {
      const { version } = await (cas === undefined
        ? overwrite(asked, data)
        : asked.mount.write(asked.path, objectOfSecretMap(data), {
            ...asked.call,
            cas: await checkedVersion(asked, cas),
          }))
      return { version, first: version === 1 }
    })
  }

  remove(place: SecretPlace, cas: StateToken, options: ProviderCallOptions = {}): Promise<void> {
    return this.#change(place, options, async ({ mount, path, call }) => {
      const current = await mount.read(path, call)
      if (current.state !== 'live' || stateToken(current) !== cas) {
        throw new ProviderError('CAS_MISMATCH')
      }
      await mount.deleteVersions(path, [current.metadata.version], call)
    })
  }

  destroy(place: SecretPlace, cas: StateToken, options: ProviderCallOptions = {}): Promise<void> {
    return this.#change(place, options, async ({ mount, path, call }) => {
      const current = await mount.read(path, call)
      if (stateToken(current) !== cas) throw new ProviderError('CAS_MISMATCH')
      // The server does the same with nothing, and says that it is done.
      if (current.state === 'absent' && (await mount.readMetadata(path, call)) === undefined) {
        throw new ProviderError('CAS_MISMATCH')
      }
      await mount.deleteMetadata(path, call)
    })
  }

  undelete(
    place: SecretPlace,
    versions: readonly number[],
    options: ProviderCallOptions = {},
  ): Promise<void> {
    return this.#change(place, options, ({ mount, path, call }) =>
      mount.undelete(path, versions, call),
    )
  }

  destroyVersions(
    place: SecretPlace,
    versions: readonly number[],
    options: ProviderCallOptions = {},
  ): Promise<void> {
    return this.#change(place, options, ({ mount, path, call }) =>
      mount.destroyVersions(path, versions, call),
    )
  }

  metadata(
    place: SecretPlace,
    options: ProviderCallOptions = {},
  ): Promise<SecretMetadata | undefined> {
    return this.#ask(place, options, async ({ mount, path, call }) => {
      const key = await mount.readMetadata(path, call)
      return key && secretMetadata(key)
    })
  }

  patchMetadata(
    place: SecretPlace,
    members: ReadonlyMap<string, string>,
    options: ProviderCallOptions = {},
  ): Promise<void> {
    return this.#change(place, options, async (asked) => {
      const customMetadata = Object.fromEntries(members)
      const found = await retried(asked, ({ mount, path, call }) =>
        mount.patchMetadata(path, { customMetadata }, call),
      ).catch((error: unknown) => {
        // No state was named that could be another one.
        if (!ProviderError.is(error, 'CAS_MISMATCH')) throw error
        throw new ProviderError('PROVIDER_BUSY', { cause: error, retryAfterSeconds: 1 })
      })
      if (!found) throw new ProviderError('SECRET_NOT_FOUND')
    })
  }

  list(place: SecretPlace, options: ProviderCallOptions = {}): Promise<readonly ListedName[]> {
    return this.#ask(place, options, async ({ mount, path, call }) =>
      (await mount.list(path, call)).map(listedName),
    )
  }

  async #ask<T>(
    { mount, segments }: SecretPlace,
    { signal }: ProviderCallOptions,
    work: (asked: Asked) => Promise<T>,
  ): Promise<T> {
    try {
      const call = signal === undefined ? {} : { signal }
      return await work({ mount: this.#client.mount([mount]), path: segments, call })
    } catch (error) {
      throw providerErrorOf(error, signal)
    }
  }

  #change<T>(
    place: SecretPlace,
    options: ProviderCallOptions,
    work: (asked: Asked) => Promise<T>,
  ): Promise<T> {
    const key = [place.mount, ...place.segments].join('/')
    return this.#ask(place, options, (asked) =>
      this.#turns.take(key, options.signal, () => work(asked)),
    )
  }
}

/**
 * What the server is to compare with.
 *
 * @throws ProviderError `CAS_MISMATCH`
 */
async function checkedVersion({ mount, path, call }: Asked, cas: StateToken): Promise<number> {
  // This alone the server can tell by itself.
  if (cas === NEVER_WRITTEN) return 0
  const current = await mount.read(path, call)
  if (current.state === 'absent' || stateToken(current) !== cas) {
    throw new ProviderError('CAS_MISMATCH')
  }
  return current.metadata.version
}

/** Write over whatever is there; where the server demands a check, over what was there a moment before. */
async function overwrite(asked: Asked, data: SecretMap): Promise<{ readonly version: number }> {
  const body = objectOfSecretMap(data)
  try {
    return await asked.mount.write(asked.path, body, asked.call)
  } catch (error) {
    if (!Kv2Error.is(error, 'ERR_KV2_CAS_REQUIRED')) throw error
  }
  return retried(asked, async ({ mount, path, call }) => {
    const current = await mount.read(path, call)
    const cas = current.state === 'absent' ? 0 : current.metadata.version
    return mount.write(path, body, { ...call, cas })
  })
}

/** Again where another program was faster; of all failures of a change, only this one is known to have done nothing. */
function retried<T>(asked: Asked, work: (asked: Asked) => Promise<T>): Promise<T> {
  return withCasRetry(async () => {
    try {
      return await work(asked)
    } catch (error) {
      throw providerErrorOf(error, asked.call.signal)
    }
  })
}
