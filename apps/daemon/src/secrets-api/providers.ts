/** The providers of secrets that the settings name, and the registry as one more (specs: secrets-api §5). */
import { createKv2Client, type Kv2Client, type Kv2Clock } from '@secreg/kv2'
import { SecregError } from '@secreg/protocol'
import type { SecretProvider, SecretProviderName } from '@secreg/secrets-api'
import { kv2Provider } from '@secreg/secrets-api/kv2'
import { YamlProvider } from '@secreg/secrets-api/node'
import { type RegistryProviderApi, registryProvider } from '@secreg/secrets-api/registry'
import type { Egress } from '../egress/egress-process.ts'
import { egressTransport } from './egress-transport.ts'
import { renamedProvider } from './renamed-provider.ts'
import type { Kv2Settings, SecretsApiSettings } from './settings.ts'

/** Providers that are servers elsewhere. */
export type Kv2Name = 'openbao' | 'hashicorp'

/** What providers are made of beside their settings. */
export interface ProviderPorts {
  readonly egress: Pick<Egress, 'call'>
  /**
   * The registry as somebody sees it.
   *
   * @param principal - as authentication gave it to the caller
   * @param permitted - purposes that have been permitted to him; absent where nobody has decided
   * @returns undefined for one to whom it is not open
   */
  readonly registryOf: (
    principal: object,
    permitted?: readonly string[],
  ) => RegistryProviderApi | undefined
  /** A server has failed so often that it is not asked for a while; `openbao` for one that has both names. */
  readonly onCircuitOpen?: (name: Kv2Name) => void
  /** Of the clients of the servers. Default the platform's. */
  readonly clock?: Kv2Clock
}

/** The providers. */
export interface Providers extends AsyncDisposable {
  /**
   * @param principal - for whom: the registry is another for everybody, and nothing is in it for nobody
   * @param permitted - as of `registryOf`
   * @returns undefined for one that is not set up
   */
  providerOf(
    name: SecretProviderName,
    principal?: object,
    permitted?: readonly string[],
  ): SecretProvider | undefined
  /** End what is under way at servers. */
  close(): Promise<void>
}

/** Calls of one server at a time: so many fit through the egress child for both (see `EGRESS_LIMITS`). */
export const MAX_SERVER_CALLS = 64

/**
 * Make the providers. Nothing is read or sent before the first call. There is one client for each server, which everybody
 * shares, with its token, connections and circuit; also where both names are set up as one server, since changes of one
 * secret have to wait for each other.
 *
 * @throws TypeError, RangeError for settings that are none, which quote no credential
 */
export function createProviders(settings: SecretsApiSettings, ports: ProviderPorts): Providers {
  const { yamlPath: path, environment, openbao, hashicorp } = settings
  const isOne = openbao !== undefined && JSON.stringify(openbao) === JSON.stringify(hashicorp)
  const clients: Kv2Client[] = []
  const serverOf = (name: Kv2Name, server: Kv2Settings) => {
    const client = clientOf(name, server, settings.isDevelopment, ports)
    clients.push(client)
    return kv2Provider({ client, name })
  }
  const first = openbao && serverOf('openbao', openbao)
  const shared: Readonly<
    Record<Exclude<SecretProviderName, 'secreg'>, SecretProvider | undefined>
  > = {
    yaml: path === undefined ? undefined : new YamlProvider({ path, environment }),
    openbao: first,
    hashicorp:
      isOne && first !== undefined
        ? renamedProvider(first, 'hashicorp')
        : hashicorp && serverOf('hashicorp', hashicorp),
  }
  const nobodys = registryProvider(NOTHING_TO_SEE)
  const close = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()))
  }
  return {
    providerOf(name, principal, permitted) {
      if (name !== 'secreg') return shared[name]
      const api = principal === undefined ? undefined : ports.registryOf(principal, permitted)
      return api === undefined ? nobodys : registryProvider(api)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function clientOf(
  name: Kv2Name,
  server: Kv2Settings,
  isDevelopment: boolean,
  { egress, onCircuitOpen, clock }: ProviderPorts,
): Kv2Client {
  const { url, auth, namespace, ca, verifyTls, timeoutMs, poolSize, redirectHosts } = server
  if (!verifyTls && !isDevelopment) {
    throw new RangeError('verifyTls: expected true outside of development')
  }
  return createKv2Client({
    url,
    auth,
    transport: egressTransport({ egress, ca, verifyTls, poolSize, timeoutMs }),
    timeoutMs,
    maxConcurrent: Math.min(server.maxConcurrent, MAX_SERVER_CALLS),
    renewBelowSeconds: server.renewalThresholdSeconds,
    allowPlainHttp: isDevelopment,
    // Its own host is always one of them. An address that is none is refused by the client.
    ...(redirectHosts.length > 0 &&
      URL.canParse(url) && { allowedRedirectHosts: [new URL(url).host, ...redirectHosts] }),
    ...(namespace !== undefined && { namespace }),
    ...(clock !== undefined && { clock }),
    observer: {
      onCircuit: (state) => {
        if (state === 'open') onCircuitOpen?.(name)
      },
    },
  })
}

async function denied(): Promise<never> {
  throw new SecregError('ACCESS_DENIED', 'nobody may see anything')
}

/** The registry as nobody sees it: everything is absent. It is of use for what a registry can do, before it is known for whom. */
const NOTHING_TO_SEE: RegistryProviderApi = Object.freeze({
  get: denied,
  set: denied,
  txn: denied,
  versions: denied,
  history: denied,
  meta: denied,
  list: denied,
})
