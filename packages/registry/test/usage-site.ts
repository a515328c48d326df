/** Secrets that are for something, and somebody with rules about them. */
import { type Dialect, parseValue, type RegistryApi, SecregError } from '@secreg/protocol'
import { addUser, start } from './fixture.ts'

export interface Definition {
  readonly type?: string
  readonly id?: string
  readonly ephemeral?: boolean
}

function readDefinition(request: unknown): Readonly<Record<string, string>> {
  const { type, id } = request as Definition
  if (type === undefined) return {}
  if (typeof type !== 'string' || typeof id !== 'string') {
    throw new SecregError('INVALID_ARGUMENT', 'type and id must be text')
  }
  return { type, id }
}

/** Write rules of secrets that are for something. */
export const DIALECT: Dialect = {
  name: 'libvirt',
  encrypted: true,
  maxVersions: 10,
  maxVersion: 1000,
  activatesNew: true,
  unique: ({ isDeleted, custom: { type, id } }) =>
    isDeleted || type === undefined || id === undefined ? undefined : `${type} ${id}`,
  usage: ({ custom: { type, id } }) =>
    type === undefined || id === undefined ? { type: 'none' } : { type, id },
  operations: {
    define: {
      action: (_, isPresent) => (isPresent ? 'write-metadata' : 'create'),
      audit: 'write',
      makes: (request) => {
        try {
          return readDefinition(request)
        } catch {
          return undefined
        }
      },
      plan: (entry, request) => {
        const { type = null, id = null } = readDefinition(request)
        const { ephemeral = false } = request as Definition
        const define = { do: 'define' as const, ephemeral, custom: { type, id } }
        return { effects: entry.isDeleted ? [{ do: 'purge' }, define] : [define], result: {} }
      },
    },
    put: {
      action: 'update',
      audit: 'write',
      plan: (_, request) => ({
        effects: [{ do: 'put', value: parseValue(String(request), 'string') }],
        result: {},
      }),
    },
  },
}

const uuid = (digit: number): string => `0000000${digit}-0000-4000-8000-000000000000`
export const at = (digit: number): string => `/libvirt/${uuid(digit)}`
export const VOLUMES = { type: 'volume', id: '/dev/vg/*' }
export const MINE = { type: 'volume', id: '/dev/vg/mine' }
export const OTHER = { type: 'volume', id: '/dev/other' }

export const LOOK = ['secret:getattr', 'secret:read'] as const
export const WRITE = ['secret:write', 'secret:save'] as const
export const ALL = [...LOOK, ...WRITE, 'secret:read-secure', 'secret:delete'] as const

export const define = (api: RegistryApi, key: string, request: unknown) =>
  api.dialect({ dialect: 'libvirt', operation: 'define', key, request: request as never })
export const put = (api: RegistryApi, key: string, value: string) =>
  api.dialect({ dialect: 'libvirt', operation: 'put', key, request: value as never })

/** A registry with two secrets, and somebody with these rules of libvirt. */
export async function site(
  rules: readonly object[],
  native: { readonly actions: readonly string[]; readonly resources: readonly string[] }[] = [],
  options: Parameters<typeof start>[0] = {},
) {
  const home = await start({ dialects: [DIALECT], ...options })
  const { api } = home
  await define(api, at(1), MINE)
  await define(api, at(2), OTHER)
  for (const digit of [1, 2]) await put(api, at(digit), `value ${digit}`)
  const bob = await addUser(home, 'bob', ['user'])
  const principals = ['user:bob']
  await api.policy({
    op: 'set',
    document: { id: 'virt', source: 'libvirt', principals, mount: '/libvirt', rules },
  })
  if (native.length > 0) {
    const own = native.map((rule, index) => ({
      id: `r${index}`,
      effect: 'allow',
      principals,
      ...rule,
    }))
    await api.policy({ op: 'set', document: { id: 'native', rules: own } })
  }
  return { home, root: api, bob: bob.api, caller: bob.caller }
}

export const byVolume = (permissions: readonly string[] = ALL) => [
  { permissions, secrets: ['*'], usage: VOLUMES },
]
