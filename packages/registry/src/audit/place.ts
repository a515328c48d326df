/** Where a record of the log says that something was: a path, or a secret that is kept elsewhere. */
import { foreignSecretOf } from '@secreg/policy-engine'
import { parsePrefix } from '@secreg/protocol'

const OWN = 'secreg:/'

/** What a path of a record is found by: of a URI neither key nor version, and of one of this registry its path. */
export function placeOf(recorded: string): string {
  if (recorded.startsWith('/')) return recorded
  const end = recorded.search(/[#?]/)
  const place = end === -1 ? recorded : recorded.slice(0, end)
  return place.startsWith(`${OWN}/`) ? place.slice(OWN.length) : place
}

/**
 * What somebody looks for: a prefix of paths, or a secret, folder or mount elsewhere; either as a URI too.
 *
 * @returns `''` for the root
 * @throws SecregError `ERR_PATH_INVALID`
 */
export function placeAsked(key: string): string {
  if (key.startsWith('/')) return parsePrefix(key)
  const place = placeOf(key)
  const bare = place.endsWith('/') ? place.slice(0, -1) : place
  const isElsewhere = [key, bare, `${bare}/x`].some((uri) => foreignSecretOf(uri) !== undefined)
  return isElsewhere ? bare : parsePrefix(place)
}
