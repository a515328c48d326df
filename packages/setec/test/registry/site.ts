/** Secrets in a real registry, seen by users whom its policies give setec's rules. */
import { scryptSync } from 'node:crypto'
import type { Scrypt } from '@secreg/crypto'
import type { RegistryApi } from '@secreg/protocol'
import { initializeTestRegistry, loginTestUser, openTestRegistry } from '@secreg/registry/testing'
import { SETEC_DIALECT, SETEC_MOUNT } from '@secreg/setec/dialect'
import { setecPort } from '@secreg/setec/registry'
import type { Identified, Site } from '../server/recorded.ts'

const PASSWORD = 'Builder-of-things-1'

/** As scrypt, with a cost that tests can pay hundreds of times. */
const fastScrypt: Scrypt = async (password, salt, { length }) =>
  new Uint8Array(scryptSync(password, salt, length, { N: 2, r: 1, p: 1 }))

export interface RegistrySite {
  readonly admin: RegistryApi
  /** A user with these rules of setec, and no other right below its mount. */
  userWith(who: Identified): Promise<RegistryApi>
  close(): Promise<void>
}

export async function registrySite(): Promise<RegistrySite> {
  const opened = await openTestRegistry({
    scrypt: fastScrypt,
    housekeepingMs: 1_000_000,
    dialects: [SETEC_DIALECT],
  })
  const { registry } = opened
  const admin = registry.as(await initializeTestRegistry(opened))
  const users = new Map<string, Promise<RegistryApi>>()
  async function add({ id, rules }: Identified): Promise<RegistryApi> {
    const user = id.replaceAll('_', '-')
    await admin.user({ op: 'add', user, password: PASSWORD, roles: ['user'] })
    const principals = [`user:${user}`]
    const document = { id: `setec-${user}`, source: 'setec', principals, mount: SETEC_MOUNT, rules }
    await admin.policy({ op: 'set', document })
    return registry.as(await loginTestUser(opened, user, PASSWORD))
  }
  return {
    admin,
    userWith(who) {
      const user = users.get(who.id) ?? add(who)
      users.set(who.id, user)
      return user
    },
    close: () => registry.close(),
  }
}

/** The secrets in it, as somebody sees them. */
export function siteOf(registry: RegistrySite): Site {
  return async (who) => setecPort(await registry.userWith(who))
}
