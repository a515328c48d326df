/** What a client says of itself (libvirt, libvirt-host.h, VIR_CONNECT_IDENTITY_*; virIdentitySetParameters). */
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import type { TypedParam } from '../wire/typed-param.ts'

const SYSTEM_TOKEN = 'system.token'

const FIELDS: ReadonlyMap<string, TypedParam['type']> = new Map<string, TypedParam['type']>([
  ['user-name', 'string'],
  ['unix-user-id', 'ullong'],
  ['group-name', 'string'],
  ['unix-group-id', 'ullong'],
  ['process-id', 'llong'],
  ['process-time', 'ullong'],
  ['sasl-user-name', 'string'],
  ['x509-distinguished-name', 'string'],
  ['selinux-context', 'string'],
  [SYSTEM_TOKEN, 'string'],
])

/**
 * The token among the parameters, if there is one. Nothing else of them is used.
 *
 * @throws LibvirtError 74 for a parameter that is none, or of another type
 */
export function identityToken(params: readonly TypedParam[]): string | undefined {
  let token: string | undefined
  for (const param of params) {
    if (FIELDS.get(param.field) !== param.type) {
      throw LIBVIRT_ERRORS.unsupportedParameter(param.field)
    }
    if (param.type === 'string' && param.field === SYSTEM_TOKEN) token = param.value
  }
  return token
}
