/** Headers of a request of JSON with a token, which setec's routes take too. */
export function jsonHeaders(token?: string): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'Sec-X-Tailscale-No-Browsers': 'setec',
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  }
}
