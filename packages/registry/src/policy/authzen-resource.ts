/** Resources that services ask about, as policies name them (DESIGN §7). */
import { foreignSecretOf } from '@secreg/policy-engine'
import { isPath } from '@secreg/protocol'

/** A resource as it was asked about. */
interface Named {
  readonly type: string
  readonly id: string
}

/**
 * The canonical form of a URI of this registry (specs: secrets-api §1.2): a mount, and at least one segment below.
 */
const SECRET_URI =
  /^secreg:\/((?:\/[A-Za-z0-9._-]{1,128}){2,32})(?:#[A-Za-z0-9._-]{1,256})?(?:\?version=([1-9]\d{0,9}))?$/

const MAX_URI_CHARS = 2048
const MAX_VERSION = 2_147_483_647

/**
 * What a resource is to policies: of type `secret`, with a path as its id, or a URI in its canonical form, of which neither
 * key nor version matters. A URI of this registry is a path; of another scheme it is a secret that is kept elsewhere.
 *
 * @returns undefined for any other resource
 */
export function resourceNamed({ type, id }: Named): string | undefined {
  if (type !== 'secret') return undefined
  if (id === '/') return id
  const path = id.startsWith('/') ? id : pathOfUri(id)
  if (path === undefined) return foreignSecretOf(id)
  return isPath(path) ? path : undefined
}

function pathOfUri(text: string): string | undefined {
  if (text.length > MAX_URI_CHARS) return undefined
  const [, path, version = '1'] = SECRET_URI.exec(text) ?? []
  return path?.includes('..') === true || Number(version) > MAX_VERSION ? undefined : path
}
