/** Resources that services ask about, as places here (DESIGN §7). */
import { isPath } from '@secreg/protocol'

/** A resource as it was asked about. */
interface Named {
  readonly type: string
  readonly id: string
}

/**
 * The canonical form of a URI of this registry (specs: secrets-api §1.2): a mount, and at least one segment below. What
 * other schemes name is kept elsewhere.
 */
const SECRET_URI =
  /^secreg:\/((?:\/[A-Za-z0-9._-]{1,128}){2,32})(?:#[A-Za-z0-9._-]{1,256})?(?:\?version=([1-9]\d{0,9}))?$/

const MAX_URI_CHARS = 2048
const MAX_VERSION = 2_147_483_647

/**
 * The path that a resource is: of type `secret`, with a path as its id, or a URI of this registry in its canonical form,
 * of which neither key nor version matters.
 *
 * @returns undefined for any other resource
 */
export function pathOfResource({ type, id }: Named): string | undefined {
  if (type !== 'secret') return undefined
  if (id === '/') return id
  const path = id.startsWith('/') ? id : pathOfUri(id)
  return path !== undefined && isPath(path) ? path : undefined
}

function pathOfUri(text: string): string | undefined {
  if (text.length > MAX_URI_CHARS) return undefined
  const [, path, version = '1'] = SECRET_URI.exec(text) ?? []
  return path?.includes('..') === true || Number(version) > MAX_VERSION ? undefined : path
}
