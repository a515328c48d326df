/** Providers over a stand-in of a server, or over a real one. */
import { createKv2Client, type Kv2Client, type Kv2ClientOptions, type Kv2Mount } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import type { SecretProvider } from '@secreg/secrets-api'
import { type Kv2ProviderClient, kv2Provider } from '@secreg/secrets-api/kv2'
import { Kv2StandIn } from '@secreg/testkit/kv2'

export interface Kv2Site extends AsyncDisposable {
  readonly server: Kv2StandIn
  readonly client: Kv2Client
  readonly provider: SecretProvider
}

export async function kv2Site(options: Partial<Kv2ClientOptions> = {}): Promise<Kv2Site> {
  const server = await Kv2StandIn.start()
  const client = createKv2Client({
    url: server.url,
    transport: createNodeTransport(),
    auth: { token: server.rootToken },
    maxConcurrent: 500,
    ...options,
  })
  return {
    server,
    client,
    provider: kv2Provider({ client, name: 'openbao' }),
    async [Symbol.asyncDispose]() {
      await client.close()
      await server.close()
    },
  }
}

let rooms = 0

/** What each call waits for before it is sent, and before its answer is seen. */
export type Pass = (method: string) => Promise<void>

/**
 * The mounts of a client as folders of one mount, which nobody has been in before.
 *
 * @param pass - see there; default nothing
 */
export function roomOf(client: Kv2Mount, pass: Pass = async () => {}): Kv2ProviderClient {
  const room = `room-${rooms++}`
  return {
    mount: (name) =>
      new Proxy(client, {
        get(target, method: keyof Kv2Mount) {
          const call = target[method].bind(target) as (...args: unknown[]) => Promise<unknown>
          return async (path: readonly string[], ...rest: unknown[]) => {
            await pass(method)
            try {
              return await call([room, ...(name as readonly string[]), ...path], ...rest)
            } finally {
              await pass(`${method} done`)
            }
          }
        },
      }),
  }
}
