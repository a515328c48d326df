/** One who logs in with a second factor. */
import { expect } from 'vitest'
import { codeOf } from './authenticator.ts'
import type { IdentityWriter } from './identity-writer.ts'
import { Wire } from './wire.ts'

const USER_PASSWORD = 'Very-Strong-Phrase-9'

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
async function login(socket: string, request: object): Promise<any> {
  using wire = await Wire.open(socket)
  return (await wire.ask('auth', request)).body
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
