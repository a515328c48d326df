/** Which names of a connection lead to the secrets (libvirt, uri.html; remote_protocol.x, remote_connect_open_args). */

/** What a connection without a name is called. */
const DEFAULT_URI = 'secret:///system'

/**
 * The URI of a connection that a client asks for, whose transport and own parameters it has taken away.
 *
 * @param name - `undefined` or empty: the server chooses
 * @returns what GET_URI tells; `undefined` when the name leads elsewhere
 */
export function connectionUri(name: string | undefined): string | undefined {
  if (name === undefined || name === '') return DEFAULT_URI
  const [address] = name.split('?', 1)
  return address === 'secret:///system' || address === 'secret:///session' ? name : undefined
}
