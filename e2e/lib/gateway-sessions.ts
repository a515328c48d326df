/** Sessions that callers have through a gateway, and what their ids are good for. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { ask, basic, bearer } from './http-ask.ts'
import { Wire } from './wire.ts'

/** What callers show: tokens, and passwords by user. */
export interface Callers {
  readonly tokens: readonly string[]
  readonly passwords: Readonly<Record<string, string>>
}

/** Callers of every kind, also alice by what `tailscale serve` says, each from many addresses: each has many sessions. */
export async function makeTraffic(http: string, { tokens, passwords }: Callers): Promise<void> {
  const kinds = [
    ...tokens.map(bearer),
    ...Object.entries(passwords).map(([user, password]) => basic(user, password)),
    { 'Tailscale-User-Login': 'alice@example.com' },
  ]
  const asked = kinds.flatMap((credential) =>
    Array.from({ length: 6 }, async (_, at) => {
      const headers = { ...credential, 'X-Forwarded-For': `192.0.2.${at}` }
      const { status, text } = await ask(`${http}/registry/whoami`, { body: {}, headers })
      expect(status, text).toBe(200)
    }),
  )
  await Promise.all(asked)
}

/** As the log names a session. */
export function refOf(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 32)
}

/** Present ids on a socket, on no more than a few of them on one connection; answers who they are there. */
export async function present(
  socket: string,
  ids: Iterable<string>,
): Promise<(string | undefined)[]> {
  const all = [...ids]
  const users: (string | undefined)[] = []
  for (let at = 0; at < all.length; at += 10) {
    using wire = await Wire.open(socket)
    for (const id of all.slice(at, at + 10)) {
      wire.session = id
      users.push((await wire.ask('whoami', {})).body.user)
    }
  }
  return users
}
