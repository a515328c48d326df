/** Callers of the setec door: accounts with rules of setec, and requests by hand. */
import { addUser, makeToken, setSetecRules } from './gateway-site.ts'
import type { Wire } from './wire.ts'

/** A rule that allows everything. */
export const ALL_RULES: readonly object[] = [
  {
    action: ['get', 'info', 'put', 'create-version', 'activate', 'delete'],
    secret: ['*'],
  },
]

/** Make an account with rules of setec; answers a token of it. */
export async function makeSetecCaller(
  admin: Wire,
  user: string,
  rules: readonly object[] = ALL_RULES,
): Promise<{ readonly secret: string; readonly ident: string }> {
  await addUser(admin, user)
  if (rules.length > 0) await setSetecRules(admin, `setec-${user}`, [`user:${user}`], rules)
  return makeToken(admin, user)
}

/** What setec demands of a request, beside its method. */
export const SETEC_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json',
  'Sec-X-Tailscale-No-Browsers': 'setec',
}

export interface SetecReply {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  readonly json: any
}

/**
 * Call an operation of setec.
 *
 * @param base - address of the server, with the prefix of a token where one is shown so
 * @param body - an object, or a text as it is to be sent
 */
export async function callSetec(
  base: string,
  operation: string,
  body: object | string = {},
  headers: Readonly<Record<string, string>> = SETEC_HEADERS,
): Promise<SetecReply> {
  const response = await fetch(`${base}/api/${operation}`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type') === 'application/json'
  return { status: response.status, text, json: isJson ? JSON.parse(text) : undefined }
}

/** Value in an answer of get. */
export function secretIn({ json }: SetecReply): string {
  return Buffer.from(json.Value, 'base64').toString()
}

/** A value as setec takes it. */
export function base64(value: string | Uint8Array): string {
  return Buffer.from(value as string).toString('base64')
}
