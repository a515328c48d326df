/** Those who make access tokens, use them up and revoke them. */
import { randomInt } from 'node:crypto'
import { expect } from 'vitest'
import { bear, countOf, type IdentityWriter } from './identity-writer.ts'
import type { AuditLine } from './site.ts'
import { ERROR, type Wire } from './wire.ts'

const USES = 7
const AT_ONCE = 4

interface CountedToken {
  readonly ident: string
  readonly secret: string
  /** Operations that were asked for with it. */
  asked: number
  /** Keys whose writing was acknowledged. */
  readonly keys: string[]
}

/** Makes tokens with a few uses, and uses them up with several operations at the same time. */
export class TokenUser implements IdentityWriter {
  readonly tokens: CountedToken[] = []
  #current: CountedToken | undefined

  async prepare(): Promise<void> {}

  async step(admin: Wire, socket: string): Promise<void> {
    if (this.#current === undefined) {
      const { secret, tokens } = await admin.ok('token', {
        op: 'create',
        boundary: 'full',
        uses: USES,
      })
      this.#current = { ident: tokens[0].token, secret, asked: 0, keys: [] }
      this.tokens.push(this.#current)
      return
    }
    const token = this.#current
    const sessions = [await bear(socket, token.secret), await bear(socket, token.secret)]
    try {
      await Promise.all(sessions.map((wire) => this.#use(wire, token)))
    } finally {
      for (const wire of sessions) wire?.close()
    }
  }

  async #use(wire: Wire | undefined, token: CountedToken): Promise<void> {
    if (wire === undefined) {
      expect(token.asked, 'refused for nothing but its uses').toBeGreaterThanOrEqual(USES)
      this.#current = undefined
      return
    }
    const keys = Array.from({ length: AT_ONCE }, () => `/used/${token.ident}/${token.asked++}`)
    for (const key of keys) wire.send('set', { key, value: key })
    for (const key of keys) {
      const { type, body } = await wire.next()
      if (type !== ERROR) token.keys.push(key)
      else expect(['AUTH_FAILED', 'SESSION_INVALID', 'AUTH_REQUIRED']).toContain(body.reason)
    }
    expect(token.keys.length).toBeLessThanOrEqual(USES)
  }

  async check(admin: Wire, socket: string): Promise<void> {
    const { tokens: left } = await admin.ok('token', { op: 'list' })
    // Of those that are used up long since, one at random.
    const old = this.tokens.slice(0, -3)
    const some = [...this.tokens.slice(-3), ...(old.length === 0 ? [] : [one(old)])]
    for (const token of some) {
      const { keys } = await admin.ok('list', { prefix: `/used/${token.ident}`, recursive: true })
      expect(keys.length, `${token.ident}: no operation too many`).toBeLessThanOrEqual(USES)
      for (const key of token.keys) expect(keys, 'what was acknowledged is there').toContain(key)
      const info = left.find(({ token: ident }: { token: string }) => ident === token.ident)
      if (info === undefined) {
        expect(token.asked, `${token.ident}: not gone before its uses`).toBeGreaterThanOrEqual(USES)
        using none = await bear(socket, token.secret)
        expect(none).toBeUndefined()
      } else {
        expect(info.uses_left, 'each operation took one').toBeLessThanOrEqual(USES - keys.length)
        expect(info.uses_left, 'and no more than one').toBeGreaterThanOrEqual(USES - token.asked)
      }
    }
  }

  checkLog(lines: readonly AuditLine[]): void {
    for (const { ident, keys } of this.tokens) {
      const written = lines.filter(
        ({ body: { action, outcome, paths } }) =>
          outcome === 'ok' &&
          action !== 'read' &&
          paths.some((path) => path.startsWith(`/used/${ident}/`)),
      )
      expect(written.length).toBeGreaterThanOrEqual(keys.length)
      expect(written.length).toBeLessThanOrEqual(USES)
    }
  }
}

/** Makes tokens and revokes them, while they are in use. */
export class Revoker implements IdentityWriter {
  readonly revoked: { readonly ident: string; readonly secret: string }[] = []
  /** Made and not revoked as far as is known; the revocation may be in doubt. */
  #alive: { readonly ident: string; readonly secret: string } | undefined

  async prepare(): Promise<void> {}

  async step(admin: Wire, socket: string): Promise<void> {
    if (this.#alive === undefined) {
      const { secret, tokens } = await admin.ok('token', { op: 'create', boundary: 'full' })
      this.#alive = { ident: tokens[0].token, secret }
      return
    }
    using wire = await bear(socket, this.#alive.secret)
    if (wire === undefined) throw new Error('a token that nobody revoked is refused')
    await wire.ok('list', { prefix: '/' })
    await admin.ok('token', { op: 'revoke', token: this.#alive.ident })
    this.revoked.push(this.#alive)
    this.#alive = undefined
    const { reason } = await wire.refused('list', { prefix: '/' })
    expect(['SESSION_INVALID', 'AUTH_REQUIRED']).toContain(reason)
  }

  async check(admin: Wire, socket: string): Promise<void> {
    if (this.#alive !== undefined) {
      const { ident, secret } = this.#alive
      const { tokens } = await admin.ok('token', { op: 'list' })
      const isThere = tokens.some(({ token }: { token: string }) => token === ident)
      using wire = await bear(socket, secret)
      expect(wire !== undefined, 'what is in the list works, and nothing else').toBe(isThere)
      if (!isThere) {
        this.revoked.push(this.#alive)
        this.#alive = undefined
      }
    }
    for (const { secret } of [...this.revoked.slice(-2), ...this.revoked.slice(0, 1)]) {
      using wire = await bear(socket, secret)
      expect(wire, 'revoked stays revoked').toBeUndefined()
    }
  }

  checkLog(lines: readonly AuditLine[]): void {
    for (const { ident } of this.revoked) expect(countOf(lines, `token-revoke ${ident}`)).toBe(1)
  }
}

function one<T>(list: readonly T[]): T {
  return list[randomInt(list.length)] as T
}
