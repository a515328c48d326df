/** Secrets in a real registry, as its administrator and as users of its policies see them. */
import { scryptSync } from 'node:crypto'
import type { Scrypt } from '@secreg/crypto'
import type { RegistryApi } from '@secreg/protocol'
import { initializeTestRegistry, loginTestUser, openTestRegistry } from '@secreg/registry/testing'
import type { SecretPlace, SecretProvider } from '@secreg/secrets-api'
import { type RegistryProviderApi, registryProvider } from '@secreg/secrets-api/registry'

const PASSWORD = 'Builder-of-things-1'

/** As scrypt, with a cost that tests can pay hundreds of times. */
const fastScrypt: Scrypt = async (password, salt, { length }) =>
  new Uint8Array(scryptSync(password, salt, length, { N: 2, r: 1, p: 1 }))

export interface RegistrySite {
  /** An administrator who may do everything. */
  readonly admin: RegistryApi
  /** A user who may do this below `/secret`, and nothing else there. */
  userWith(actions: readonly string[], resources?: readonly string[]): Promise<RegistryApi>
  lock(): Promise<void>
  close(): Promise<void>
}

export async function registrySite(): Promise<RegistrySite> {
  const opened = await openTestRegistry({ scrypt: fastScrypt, housekeepingMs: 1_000_000 })
  const { registry } = opened
  const administrator = await initializeTestRegistry(opened)
  const admin = registry.as(administrator)
  let users = 0
  return {
    admin,
    async userWith(actions, resources = ['/secret', '/secret/**']) {
      const user = `user-${users++}`
      await admin.user({ op: 'add', user, password: PASSWORD, roles: ['user'] })
      const rule = { id: 'r', effect: 'allow', principals: [`user:${user}`], actions, resources }
      await admin.policy({ op: 'set', document: { id: `of-${user}`, rules: [rule] } })
      return registry.as(await loginTestUser(opened, user, PASSWORD))
    },
    lock: async () => void (await registry.lock(administrator)),
    close: () => registry.close(),
  }
}

let rooms = 0

/** A provider below a path where nothing has been before, or that of another. */
export function providerInRoom(
  api: RegistryProviderApi,
  room: string = `room-${rooms++}`,
): SecretProvider & { readonly room: string } {
  const inner = registryProvider(api)
  const at = ({ mount, segments }: SecretPlace): SecretPlace => ({
    mount: room,
    segments: [mount, ...segments],
  })
  return {
    room,
    name: inner.name,
    capabilities: inner.capabilities,
    read: (place, ...rest) => inner.read(at(place), ...rest),
    readVersion: (place, ...rest) => inner.readVersion(at(place), ...rest),
    write: (place, ...rest) => inner.write(at(place), ...rest),
    remove: (place, ...rest) => inner.remove(at(place), ...rest),
    destroy: (place, ...rest) => inner.destroy(at(place), ...rest),
    undelete: (place, ...rest) => inner.undelete(at(place), ...rest),
    destroyVersions: (place, ...rest) => inner.destroyVersions(at(place), ...rest),
    metadata: (place, ...rest) => inner.metadata(at(place), ...rest),
    patchMetadata: (place, ...rest) => inner.patchMetadata(at(place), ...rest),
    list: (place, ...rest) => inner.list(at(place), ...rest),
    entries: (place, ...rest) => inner.entries(at(place), ...rest),
  }
}

/** What each call waits for before it is made, and before its answer is seen. */
export type Pass = (method: string) => Promise<void>

/** The methods of a registry that a provider needs, as members, each waiting for its turn. */
export function passing(api: RegistryApi, pass: Pass = async () => {}): RegistryProviderApi {
  const slow =
    <R, T>(method: string, call: (request: R) => Promise<T>) =>
    async (request: R): Promise<T> => {
      await pass(method)
      try {
        return await call(request)
      } finally {
        await pass(`${method} done`)
      }
    }
  return {
    get: slow('get', (request) => api.get(request)),
    set: slow('set', (request) => api.set(request)),
    txn: slow('txn', (request) => api.txn(request)),
    versions: slow('versions', (request) => api.versions(request)),
    history: slow('history', (request) => api.history(request)),
    meta: slow('meta', (request) => api.meta(request)),
    list: slow('list', (request) => api.list(request)),
  }
}
