/** Users of identities, each of whom knows what must hold afterwards, whatever happened meanwhile. */
import { randomInt } from 'node:crypto'
import { expect } from 'vitest'
import { codeOf } from './authenticator.ts'
import type { AuditLine } from './site.ts'
import { ERROR, Wire } from './wire.ts'

export const USER_PASSWORD = 'Very-Strong-Phrase-9'

/** One who changes identities. What he asks for is made, not made, or in doubt when the daemon dies before its answer. */
export interface IdentityWriter {
  /** Make what the others rest on. */
  prepare(admin: Wire): Promise<void>
  /**
   * Make one change, and look at what follows from it at once.
   *
   * @throws Error when the connection is gone, and then the change may have been made
   */
  step(admin: Wire, socket: string): Promise<void>
  /** Compare with what is there, and take over what was in doubt. Nothing is under way. */
  check(admin: Wire, socket: string): Promise<void>
  /** Compare with the log: each change that was made has one record. */
  checkLog(lines: readonly AuditLine[]): void
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
async function login(socket: string, request: object): Promise<any> {
  using wire = await Wire.open(socket)
  return (await wire.ask('auth', request)).body
}

/** Open a session with a token; undefined when it is refused. */
async function bear(socket: string, token: string): Promise<Wire | undefined> {
  const wire = await Wire.open(socket)
  try {
    const { body } = await wire.ask('auth', { token })
    if (body.success === true) {
      wire.session = body.session_id
      return wire
    }
    expect(body.error.reason).toBe('AUTH_FAILED')
  } catch (error) {
    wire.close()
    throw error
  }
  wire.close()
  return undefined
}

function countOf(lines: readonly AuditLine[], detail: string): number {
  return lines.filter(({ body }) => body.outcome === 'ok' && body.detail === detail).length
}

/** Token of an account, with all that it may. */
async function tokenOf(admin: Wire, user: string): Promise<string> {
  return (await admin.ok('token', { op: 'create', user, boundary: 'full' })).secret
}

/** What somebody who bears a token gets of a key: its value, or the reason of the refusal. */
async function seenBy(socket: string, token: string, key: string): Promise<string> {
  using wire = await bear(socket, token)
  if (wire === undefined) return 'AUTH_FAILED'
  const { type, body } = await wire.ask('get', { key })
  return type === ERROR ? body.reason : body.value
}

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

/** Sets a second factor up, logs in with its codes, each shown by two at the same time, and loses it again. */
export class CodeUser implements IdentityWriter {
  readonly #user: string
  #state: 'off' | 'on' | 'lost' = 'off'
  #secret = ''
  /** Recovery codes that are left as far as is known. */
  #codes: string[] = []
  /** Shown without an answer yet. */
  #doubt: string | undefined
  /** Whether the code of the next step was shown. */
  #ahead = false
  /** That opened the account, of this second factor. */
  #used: string[] = []
  /** Of second factors that were taken away. */
  #dead: string | undefined
  /** Logins with a code. */
  logins = 0

  constructor(name: string) {
    this.#user = `holder-${name}`
  }

  async prepare(admin: Wire): Promise<void> {
    await admin.ok('user', { op: 'add', user: this.#user, password: USER_PASSWORD })
  }

  async step(admin: Wire, socket: string): Promise<void> {
    if (this.#state === 'off') return this.#enroll(socket)
    if (this.#state === 'lost' || this.#codes.length === 0) return this.#lose(admin)
    const code = this.#ahead ? (this.#codes[0] as string) : codeOf(this.#secret, 1)
    this.#doubt = code
    const both = await Promise.all([this.#login(socket, code), this.#login(socket, code)])
    expect(both.filter((isIn) => isIn).length, 'one of two').toBe(1)
    this.#isUsed(code)
  }

  async #enroll(socket: string): Promise<void> {
    const password = USER_PASSWORD
    using wire = await Wire.login(socket, this.#user, password)
    this.#secret = (await wire.ok('mfa', { op: 'begin', password })).secret
    // Until the answer is there, nobody knows the recovery codes.
    this.#state = 'lost'
    const code = codeOf(this.#secret)
    this.#codes = (await wire.ok('mfa', { op: 'confirm', code })).recovery_codes
    this.#state = 'on'
    this.#ahead = false
    this.#used = [code]
  }

  async #lose(admin: Wire): Promise<void> {
    this.#state = 'lost'
    await admin.ok('mfa', { op: 'reset', user: this.#user })
    this.#state = 'off'
    this.#dead = this.#used.at(-1)
    this.#codes = []
    this.#used = []
  }

  #isUsed(code: string): void {
    if (code === this.#codes[0]) this.#codes.shift()
    else this.#ahead = true
    this.#doubt = undefined
    this.#used.push(code)
    this.logins++
  }

  async #login(socket: string, otp: string): Promise<boolean> {
    const { success, error } = await login(socket, {
      username: this.#user,
      password: USER_PASSWORD,
      otp,
    })
    if (success !== true) expect(error.reason).toBe('AUTH_FAILED')
    return success
  }

  async check(admin: Wire, socket: string): Promise<void> {
    const { state, recovery_codes_left: left } = await admin.ok('mfa', {
      op: 'status',
      user: this.#user,
    })
    if (this.#state === 'lost') return
    if (this.#state === 'off') return expect(state).not.toBe('on')
    expect(state).toBe('on')
    if (this.#doubt !== undefined) {
      const code = this.#doubt
      const wasGood = await this.#login(socket, code)
      if (code === this.#codes[0]) {
        expect(left, 'a code opens the account and goes, or neither').toBe(
          this.#codes.length - (wasGood ? 0 : 1),
        )
      }
      this.#isUsed(code)
    } else {
      expect(left).toBe(this.#codes.length)
    }
    const again = [...this.#used.slice(-2), ...(this.#dead === undefined ? [] : [this.#dead])]
    for (const code of again) {
      expect(await this.#login(socket, code), 'no code is good twice').toBe(false)
    }
  }

  checkLog(): void {}
}

/** What comes and goes, and what somebody sees while it is there. */
interface Toggle {
  isOn: boolean
  /** Was asked for without an answer yet. */
  doubt: boolean
  /** How often it was switched, as far as is known. */
  readonly made: { on: number; off: number }
}

function switched(toggle: Toggle): void {
  toggle.isOn = !toggle.isOn
  toggle.doubt = false
  toggle.made[toggle.isOn ? 'on' : 'off']++
}

/** Joins a group and leaves it, which opens and closes a subtree. */
export class Member implements IdentityWriter {
  readonly #name: string
  readonly #toggle: Toggle = { isOn: false, doubt: false, made: { on: 0, off: 0 } }
  #token = ''

  constructor(name: string) {
    this.#name = `team-${name}`
  }

  async prepare(admin: Wire): Promise<void> {
    const name = this.#name
    await admin.ok('group', { op: 'add', kind: 'group', name })
    await admin.ok('user', { op: 'add', user: name })
    await admin.ok('policy', { op: 'set', document: readable(name, `group:${name}`) })
    await admin.ok('set', { key: `/${name}/key`, value: 'seen' })
    this.#token = await tokenOf(admin, name)
  }

  async step(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    this.#toggle.doubt = true
    const op = this.#toggle.isOn ? 'leave' : 'join'
    await admin.ok('group', { op, kind: 'group', name, user: name })
    switched(this.#toggle)
    await this.#look(socket)
  }

  async check(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    const { users } = await admin.ok('user', { op: 'show', user: name })
    const isMember = users[0].groups.includes(name)
    if (isMember !== this.#toggle.isOn) {
      expect(this.#toggle.doubt, `${name}: what was acknowledged is there`).toBe(true)
      switched(this.#toggle)
    }
    this.#toggle.doubt = false
    const { groups } = await admin.ok('group', { op: 'show', kind: 'group', name })
    expect(groups[0].members).toEqual(isMember ? [name] : [])
    await this.#look(socket)
  }

  async #look(socket: string): Promise<void> {
    const seen = await seenBy(socket, this.#token, `/${this.#name}/key`)
    expect(seen, this.#name).toBe(this.#toggle.isOn ? 'seen' : 'ACCESS_DENIED')
  }

  checkLog(lines: readonly AuditLine[]): void {
    const { made } = this.#toggle
    const name = this.#name
    expect(countOf(lines, `group-join ${name} ${name}`)).toBe(made.on)
    expect(countOf(lines, `group-leave ${name} ${name}`)).toBe(made.off)
  }
}

/** Sets a policy and deletes it, which opens and closes a subtree. */
export class Lawgiver implements IdentityWriter {
  readonly #name: string
  readonly #toggle: Toggle = { isOn: false, doubt: false, made: { on: 0, off: 0 } }
  #token = ''
  #version = 0

  constructor(name: string) {
    this.#name = `law-${name}`
  }

  async prepare(admin: Wire): Promise<void> {
    const name = this.#name
    await admin.ok('user', { op: 'add', user: name })
    await admin.ok('set', { key: `/${name}/key`, value: 'seen' })
    this.#token = await tokenOf(admin, name)
  }

  async step(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    this.#toggle.doubt = true
    if (this.#toggle.isOn) {
      await admin.ok('policy', { op: 'delete', policy: name })
    } else {
      const description = `version ${++this.#version}`
      const document = { ...readable(name, `user:${name}`), description }
      await admin.ok('policy', { op: 'set', document, if_revision: 0 })
    }
    switched(this.#toggle)
    await this.#look(socket)
  }

  async check(admin: Wire, socket: string): Promise<void> {
    const name = this.#name
    const { type, body } = await admin.ask('policy', { op: 'get', policy: name })
    const isThere = type !== ERROR
    if (isThere) expect(body.document.description).toBe(`version ${this.#version}`)
    else expect(body.reason).toBe('NOT_FOUND')
    if (isThere !== this.#toggle.isOn) {
      expect(this.#toggle.doubt, `${name}: what was acknowledged is there`).toBe(true)
      switched(this.#toggle)
    }
    this.#toggle.doubt = false
    await this.#look(socket)
  }

  async #look(socket: string): Promise<void> {
    const seen = await seenBy(socket, this.#token, `/${this.#name}/key`)
    expect(seen, this.#name).toBe(this.#toggle.isOn ? 'seen' : 'ACCESS_DENIED')
  }

  checkLog(lines: readonly AuditLine[]): void {
    const { made } = this.#toggle
    expect(countOf(lines, `policy-set ${this.#name}`)).toBe(made.on)
    expect(countOf(lines, `policy-delete ${this.#name}`)).toBe(made.off)
  }
}

/** A policy that lets one principal read one subtree. */
function readable(id: string, principal: string): object {
  return {
    id,
    rules: [
      {
        id: 'read',
        effect: 'allow',
        principals: [principal],
        actions: ['read'],
        resources: [`/${id}/**`],
      },
    ],
  }
}

function one<T>(list: readonly T[]): T {
  return list[randomInt(list.length)] as T
}
