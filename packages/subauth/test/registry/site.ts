/** A registry with the zones of the vectors, as callers at the door of the zones see it. */
import { scryptSync } from 'node:crypto'
import type { Scrypt } from '@secreg/crypto'
import type { RegistryApi } from '@secreg/protocol'
import { initializeTestRegistry, openTestRegistry } from '@secreg/registry/testing'
import { registryPort } from '@secreg/subauth/registry'
import { type CaseSite, VECTORS } from '../cases.ts'

/** As scrypt, with a cost that tests can pay hundreds of times. */
const fastScrypt: Scrypt = async (password, salt, { length }) =>
  new Uint8Array(scryptSync(password, salt, length, { N: 2, r: 1, p: 1 }))

const UNLIMITED = { failures: 1_000_000, windowMs: 1000, lockMs: 1000, maxKeys: 1000 }

export interface RegistrySite extends CaseSite {
  readonly admin: RegistryApi
  seal(): Promise<unknown>
  close(): Promise<void>
}

/** @param options - whether failures lock out; default they do not, since many cases fail on purpose */
export async function registrySite(options: { locks?: boolean } = {}): Promise<RegistrySite> {
  let ahead = 0
  const opened = await openTestRegistry({
    scrypt: fastScrypt,
    housekeepingMs: 1_000_000,
    now: () => Date.now() + ahead,
    systemUsers: {
      find: async (login) => {
        const uid = VECTORS.users[login]
        return uid === undefined ? undefined : { uid }
      },
    },
    ...(options.locks === true ? {} : { attemptLimits: { pair: UNLIMITED, source: UNLIMITED } }),
  })
  const { registry } = opened
  const administrator = await initializeTestRegistry(opened)
  const admin = registry.as(administrator)
  for (const [zone, of] of Object.entries(VECTORS.zones)) {
    await admin.zone({
      op: 'add',
      zone,
      description: of.desc,
      allow_passwd: of['allow-passwd'] === 1,
      allow_tokens: of['allow-tokens'] === 1,
      allow_passwd_auth: of['allow-passwd-auth'] === 1,
      auto_create: of['auto-create'] === 1,
      max_temp_validity_s: of['max-temp-validity'],
    })
  }
  return {
    admin,
    portOf(uid, systemUser) {
      const peer = { door: 'subauth', address: 'subauth', uid, gid: uid, pid: 1 } as const
      const caller = registry.zoneCaller(peer, systemUser)
      return registryPort(registry.as(caller), caller)
    },
    pass(ms) {
      ahead += ms
    },
    seal: () => registry.lock(administrator),
    close: () => registry.close(),
  }
}
