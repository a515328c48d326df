/** The address of a server: a URL that may carry credentials and a path, as setec's own client takes it. */
import { encodeBase64 } from '@secreg/protocol'

/** An address, taken apart. */
export interface ServerAddress {
  /** URL that the path of an operation is appended to: no credentials, no trailing slash. */
  readonly base: string
  /** Value of the header `Authorization` that the credentials make (RFC 7617); `undefined` without credentials. */
  readonly authorization: string | undefined
  /** Parts that identify the caller, which no message may quote. */
  readonly secrets: readonly string[]
}

/**
 * Take an address apart. `user:password@` are Basic credentials, percent-decoded; a bare `token@` is a user without a
 * password. A path stays, but for one trailing slash.
 *
 * @throws TypeError, RangeError which do not quote it
 */
export function parseServerAddress(server: string): ServerAddress {
  if (typeof server !== 'string')
    throw new TypeError(`server: expected a URL, got ${typeof server}`)
  // What the parser of URLs would mend silently.
  if (!/^https?:\/\/[^/]/i.test(server) || /[\s\\\p{Cc}]/u.test(server)) throw unexpected()
  if (/[?#]/.test(server)) {
    throw new RangeError('server: expected a URL without a query and without a fragment')
  }
  let url: URL
  try {
    url = new URL(server)
  } catch {
    throw unexpected()
  }
  const { username, password, origin, pathname } = url
  const base = `${origin}${pathname.endsWith('/') ? pathname.slice(0, -1) : pathname}`
  const segments = pathname.split('/').filter((segment) => segment !== '')
  if (username === '' && password === '') {
    return { base, authorization: undefined, secrets: segments }
  }
  const user = percentDecode(username)
  if (user.includes(COLON)) throw new RangeError('server: a user name must not have a colon')
  const secret = percentDecode(password)
  const credentials = encodeBase64(Uint8Array.of(...user, COLON, ...secret))
  const parts = [username, password, textOf(user), textOf(secret), credentials]
  return { base, authorization: `Basic ${credentials}`, secrets: [...segments, ...parts] }
}

const COLON = 0x3a
const PERCENT = 0x25

/** Bytes, because credentials need not be UTF-8. The URL parser has made the text ASCII. */
function percentDecode(text: string): number[] {
  const bytes: number[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const hex = text.slice(at + 1, at + 3)
    if (code !== PERCENT) bytes.push(code)
    else if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes.push(Number.parseInt(hex, 16))
      at += 2
    } else throw new RangeError('server: a percent sign of the credentials escapes nothing')
  }
  return bytes
}

function textOf(bytes: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(bytes))
}

function unexpected(): RangeError {
  return new RangeError('server: expected an http or https URL, such as https://setec.example.com')
}
