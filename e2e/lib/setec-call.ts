/** Callers of the setec door: accounts with rules of setec, and requests by hand. */
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { addUser, makeToken, setSetecRules } from './gateway-site.ts'
import type { Wire } from './wire.ts'

const agent = new Agent({ keepAlive: true })

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

export interface SetecCallOptions {
  readonly method?: string
  /** In place of those that setec demands. */
  readonly headers?: Readonly<Record<string, string>>
  /** Address of this machine that the call comes from. */
  readonly from?: string
}

/**
 * Call an operation of setec.
 *
 * @param base - address of the server, with the prefix of a token where one is shown so
 * @param body - an object, or a text as it is to be sent
 */
export function callSetec(
  base: string,
  operation: string,
  body: object | string = {},
  options: SetecCallOptions = {},
): Promise<SetecReply> {
  return fetchText(`${base}/api/${operation}`, {
    ...options,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

/** Send one request, by a connection that may be used again. */
export function fetchText(
  url: string,
  options: SetecCallOptions & { readonly body?: string },
): Promise<SetecReply> {
  const { method = 'POST', headers = SETEC_HEADERS, from: localAddress, body } = options
  return new Promise((resolve, reject) => {
    const asked = request(url, {
      method,
      headers: { ...headers },
      agent,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    asked.once('error', reject)
    asked.once('response', (response) => {
      text(response).then((got) => {
        const isJson = response.headers['content-type'] === 'application/json'
        const json = isJson ? JSON.parse(got) : undefined
        resolve({ status: response.statusCode ?? 0, text: got, json })
      }, reject)
    })
    asked.end(body)
  })
}

/** Value in an answer of get. */
export function secretIn({ json }: SetecReply): string {
  return Buffer.from(json.Value, 'base64').toString()
}

/** A value as setec takes it. */
export function base64(value: string | Uint8Array): string {
  return Buffer.from(value as string).toString('base64')
}
