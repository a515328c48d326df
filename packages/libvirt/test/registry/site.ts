/** Secrets in a real registry, seen by users whom its policies give libvirt's permissions. */
import { scryptSync } from 'node:crypto'
import type { Scrypt } from '@secreg/crypto'
import type { SecretDefinition } from '@secreg/libvirt'
import { LIBVIRT_DIALECT, LIBVIRT_MOUNT } from '@secreg/libvirt/dialect'
import { registryPort, type WatchRegistry } from '@secreg/libvirt/registry'
import type { SecretsPort } from '@secreg/libvirt/server'
import type { Caller, RegistryApi } from '@secreg/protocol'
import {
  initializeTestRegistry,
  loginTestUser,
  openTestRegistry,
  type TestRegistryOptions,
} from '@secreg/registry/testing'

const PASSWORD = 'Builder-of-things-1'

/** As scrypt, with a cost that tests can pay hundreds of times. */
const fastScrypt: Scrypt = async (password, salt, { length }) =>
  new Uint8Array(scryptSync(password, salt, length, { N: 2, r: 1, p: 1 }))

export interface RegistrySite {
  readonly admin: RegistryApi
  /** All secrets, with every right. */
  readonly port: SecretsPort
  /** A user with these rules of libvirt, and no other right below its mount. */
  userWith(
    user: string,
    rules: readonly { permissions: readonly string[]; secrets?: readonly string[] }[],
  ): Promise<{ readonly api: RegistryApi; readonly port: SecretsPort }>
  close(): Promise<void>
}

export async function registrySite(
  options: Partial<TestRegistryOptions> = {},
): Promise<RegistrySite> {
  const opened = await openTestRegistry({
    scrypt: fastScrypt,
    housekeepingMs: 1_000_000,
    dialects: [LIBVIRT_DIALECT],
    ...options,
  })
  const { registry } = opened
  const seenBy = (caller: Caller): { readonly api: RegistryApi; readonly port: SecretsPort } => {
    const api = registry.as(caller)
    const watch: WatchRegistry = async (request, onMessage) => {
      const sink = {
        caller: () => caller,
        unreadBytes: 0,
        readerUnreadBytes: 0,
        send: onMessage,
        onceTaken: () => {},
      }
      const watch = await registry.watch(caller, request, sink)
      watch.start()
      return () => watch.close()
    }
    return { api, port: registryPort(api, { watch }) }
  }
  const { api: admin, port } = seenBy(await initializeTestRegistry(opened))
  return {
    admin,
    port,
    async userWith(user, rules) {
      await admin.user({ op: 'add', user, password: PASSWORD, roles: ['user'] })
      const principals = [`user:${user}`]
      const document = {
        id: `libvirt-${user}`,
        source: 'libvirt',
        principals,
        mount: LIBVIRT_MOUNT,
        rules: rules.map((rule) => ({ ...rule })),
      }
      await admin.policy({ op: 'set', document })
      return seenBy(await loginTestUser(opened, user, PASSWORD))
    },
    close: () => registry.close(),
  }
}

/** A definition without a use. */
export function secret(uuid: string, more: Partial<SecretDefinition> = {}): SecretDefinition {
  return { uuid, usage: { type: 'none', id: '' }, ephemeral: false, private: false, ...more }
}

/** A UUID of one digit. */
export const uuidWith = (digit: string): string =>
  '00000000-0000-4000-8000-000000000000'.replaceAll('0', digit)

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
