/** Secrets in a real registry, seen by users whom its policies give libvirt's permissions. */
import { scryptSync } from 'node:crypto'
import type { Scrypt } from '@secreg/crypto'
import type { SecretDefinition } from '@secreg/libvirt'
import { LIBVIRT_DIALECT, LIBVIRT_MOUNT } from '@secreg/libvirt/dialect'
import { registryPort, type WatchRegistry } from '@secreg/libvirt/registry'
import type { SecretsPort } from '@secreg/libvirt/server'
import type { Caller, RegistryApi } from '@secreg/protocol'
import type { OpenedRegistry } from '@secreg/registry'
import {
  initializeTestRegistry,
  loginTestUser,
  openTestRegistry,
  TEST_ADMIN,
  type TestRegistryOptions,
} from '@secreg/registry/testing'

const PASSWORD = 'Builder-of-things-1'

/** As scrypt, with a cost that tests can pay hundreds of times. */
const fastScrypt: Scrypt = async (password, salt, { length }) =>
  new Uint8Array(scryptSync(password, salt, length, { N: 2, r: 1, p: 1 }))

export interface SiteUser {
  readonly api: RegistryApi
  readonly port: SecretsPort
}

export interface RegistrySite {
  readonly admin: RegistryApi
  /** All secrets, with every right. */
  readonly port: SecretsPort
  /** A user with these rules of libvirt, and no other right below its mount. */
  userWith(
    user: string,
    rules: readonly {
      permissions: readonly string[]
      secrets?: readonly string[]
      usage?: { type: string; id?: string }
    }[],
  ): Promise<SiteUser>
  /** A user who was made before the registry was opened again. */
  user(user: string): Promise<SiteUser>
  close(): Promise<void>
}

interface SiteOptions extends Partial<TestRegistryOptions> {
  /** Makes the UUID of a draft without one. */
  readonly newUuid?: () => string
}

/** A new registry. */
export async function registrySite(options: SiteOptions = {}): Promise<RegistrySite> {
  const opened = await open(options)
  return siteOf(opened, await initializeTestRegistry(opened), options)
}

/** A registry that was closed, on its engine and the files of its log. */
export async function reopenedSite(options: SiteOptions): Promise<RegistrySite> {
  const opened = await open(options)
  const { admin, admin_password, passphrase } = TEST_ADMIN
  const peer = { door: 'registry', address: 'test' } as const
  await opened.registry.unlock(peer, { kind: 'passphrase', passphrase })
  return siteOf(opened, await loginTestUser(opened, admin, admin_password), options)
}

function open({ newUuid: _, ...options }: SiteOptions): Promise<OpenedRegistry> {
  return openTestRegistry({
    scrypt: fastScrypt,
    housekeepingMs: 1_000_000,
    dialects: [LIBVIRT_DIALECT],
    ...options,
  })
}

function siteOf(
  opened: OpenedRegistry,
  administrator: Caller,
  { newUuid }: SiteOptions,
): RegistrySite {
  const { registry } = opened
  const seenBy = (caller: Caller): SiteUser => {
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
    return {
      api,
      port: registryPort(api, {
        watch,
        parts: registry.partsOf(caller),
        ...(newUuid === undefined ? {} : { newUuid }),
      }),
    }
  }
  const { api: admin, port } = seenBy(administrator)
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
      return this.user(user)
    },
    user: async (user) => seenBy(await loginTestUser(opened, user, PASSWORD)),
    close: () => registry.close(),
  }
}

/** Permissions of libvirt with which secrets are looked at. */
export const LOOKING: readonly string[] = Object.freeze([
  'connect:getattr',
  'connect:search-secrets',
  'secret:getattr',
  'secret:read',
])

/** All of them. */
export const ALL: readonly string[] = Object.freeze([
  ...LOOKING,
  'secret:write',
  'secret:save',
  'secret:read-secure',
  'secret:delete',
])

/** A definition without a use. */
export function secret(uuid: string, more: Partial<SecretDefinition> = {}): SecretDefinition {
  return { uuid, usage: { type: 'none', id: '' }, ephemeral: false, private: false, ...more }
}

/** A UUID of one digit. */
export const uuidWith = (digit: string): string =>
  '00000000-0000-4000-8000-000000000000'.replaceAll('0', digit)

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
