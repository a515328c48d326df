/** Accounts, sessions and the seal of the fake registry. */
import { randomUUID } from 'node:crypto'
import { SecregError } from '@secreg/protocol'
import type { Payload } from './fake-entries.ts'

export const PASSWORD = 'correct horse battery'
export const PASSPHRASE = 'open sesame, please'

/** A protector as it is listed. */
interface FakeProtector {
  readonly id: string
  readonly kind: string
  readonly label?: string
  readonly recovery: boolean
  readonly portable: boolean
  readonly kdf: object
}

const protectorBase = (id: string) => ({
  id: id.padEnd(32, '0'),
  recovery: false,
  portable: true,
  kdf: { name: 'hkdf-sha256' },
})

function sharesOf(counts: unknown): string[] {
  const { count = 0 } = (counts ?? {}) as { count?: number }
  return Array.from({ length: count }, (_, at) => `SRS1-FAKE-${at + 1}`)
}

/** Their state, and the requests about them. */
export class FakeAccounts {
  readonly sessions = new Set<string>()
  /** Sessions that end with their connections. */
  readonly bound = new Set<string>()
  readonly users = new Map<string, { roles: string[]; disabled: boolean; password: string }>([
    ['alice', { roles: ['admin'], disabled: false, password: PASSWORD }],
  ])
  state: 'uninitialized' | 'sealed' | 'unsealed' = 'unsealed'
  passphrase: string | undefined = PASSPHRASE
  /** Shares that a new registry or protector gives, and that open it together. */
  shares: readonly string[] = []
  readonly given = new Set<string>()
  keyFile: string | undefined
  readonly protectors: FakeProtector[] = [
    {
      ...protectorBase('a1b2c3'),
      kind: 'passphrase',
      kdf: { name: 'scrypt', N: 32_768, r: 8, p: 1 },
    },
  ]

  /** Tokens, and whose they are. */
  readonly tokens = new Map<string, string>()
  /** Whom the kernel takes the user of this process for. */
  kernelUser: string | undefined
  /** Codes of second factors, by user. */
  readonly codes = new Map<string, string>()
  /** Users who need a second factor and have none. */
  readonly unenrolled = new Set<string>()

  session(): string {
    const id = randomUUID()
    this.sessions.add(id)
    return id
  }

  auth({ username, password, otp, token, kernel, bound }: Payload): object {
    const name = kernel === true ? this.kernelUser : this.#nameOf(username, token)
    const user = this.users.get(name ?? '')
    const code = token === undefined ? this.codes.get(String(name)) : undefined
    const refused = (message: string, more: object = {}): object => ({
      success: false,
      ...more,
      error: { code: 4, name: 'AuthFailed', message, reason: 'AUTH_FAILED', errno: 100 },
    })
    if (kernel === true && user === undefined) {
      return refused('no account is mapped to the user of this process')
    }
    const isProven = kernel === true || token !== undefined
    if (user === undefined || (!isProven && user.password !== password)) {
      return refused('wrong name or password')
    }
    if (code !== undefined && otp === undefined) {
      return refused('a second factor is needed', { mfa_required: true })
    }
    if (code !== undefined && otp !== code) return refused('wrong name, password or code')
    const session_id = this.session()
    if (bound === true) this.bound.add(session_id)
    return {
      success: true,
      session_id,
      roles: user.roles,
      expires_in: 3600,
      ...(this.unenrolled.has(String(name)) ? { mfa_enrollment_required: true } : {}),
    }
  }

  #nameOf(username: unknown, token: unknown): string | undefined {
    return token === undefined ? String(username) : this.tokens.get(String(token))
  }

  password(payload: Payload): object {
    const user = this.users.get('alice')
    if (user === undefined || user.password !== payload['old_password']) {
      throw new SecregError('AUTH_FAILED', 'wrong password')
    }
    user.password = String(payload['new_password'])
    return { success: true }
  }

  seal(payload: Payload): object {
    if (payload['op'] === 'init') {
      if (this.state !== 'uninitialized' && payload['force'] !== true) {
        throw new SecregError('ALREADY_INITIALIZED', 'the registry is initialised already')
      }
      this.passphrase = payload['passphrase'] as string | undefined
      this.shares = sharesOf(payload['shares'])
      this.users.set(String(payload['admin']), {
        roles: ['admin'],
        disabled: false,
        password: String(payload['admin_password']),
      })
      this.state = 'unsealed'
      return { state: this.state, ...(this.shares.length === 0 ? {} : { shares: this.shares }) }
    }
    if (payload['op'] === 'unlock') return this.#unlock(payload)
    this.state = 'sealed'
    return { state: this.state }
  }

  #unlock({ passphrase, share, key_file, reset, finish }: Payload): object {
    if (reset === true) {
      this.given.clear()
      return { state: this.state }
    }
    if (share !== undefined) {
      if (!this.shares.includes(String(share))) {
        throw new SecregError('SHARE_INVALID', 'the share is mistyped or incomplete')
      }
      this.given.add(String(share))
      const share_progress = { have: this.given.size, need: 3 }
      if (share_progress.have < share_progress.need) {
        if (finish === true) throw new SecregError('SHARES_MISSING', '3 shares are needed')
        return { state: this.state, share_progress }
      }
    } else if (
      key_file !== undefined ? key_file !== this.keyFile : passphrase !== this.passphrase
    ) {
      throw new SecregError('UNLOCK_FAILED', 'what was given does not unlock it')
    }
    this.given.clear()
    this.state = 'unsealed'
    return { state: this.state }
  }

  protector(payload: Payload): object {
    const { op, protector: id, kind, label, recovery, proof, shares } = payload
    if (op === 'list') return { protectors: this.protectors }
    const found = this.protectors.find(
      (one) => id !== undefined && (one.id === id || one.label === id),
    )
    if (op !== 'add' && found === undefined) throw new SecregError('NOT_FOUND', 'no protector')
    if (op === 'remove') {
      if (this.protectors.length === 1)
        throw new SecregError('LAST_PROTECTOR', 'it is the last one')
      this.protectors.splice(this.protectors.indexOf(found as FakeProtector), 1)
      return { protector: found, erased: payload['force'] !== true }
    }
    if ((proof as Payload)['passphrase'] === 'wrong') {
      throw new SecregError('UNLOCK_FAILED', 'what was given does not unlock it')
    }
    const made = sharesOf(shares)
    const protector = found ?? {
      ...protectorBase(`d${this.protectors.length}`),
      kind: String(kind),
      ...(label === undefined ? {} : { label: String(label) }),
      recovery: recovery === true,
    }
    if (op === 'add') this.protectors.push(protector)
    return { protector, ...(made.length === 0 ? {} : { shares: made }) }
  }

  user(payload: Payload): object {
    const name = String(payload['user'])
    const row = ([user, { roles, disabled }]: [
      string,
      { roles: string[]; disabled: boolean },
    ]) => ({
      user,
      account: 'a1',
      roles,
      groups: [],
      disabled,
      system: false,
      password: true,
      mfa: false,
      uids: [],
      tokens: 0,
      created_at: 1_700_000_000_000,
      modified_at: 1_700_000_000_000,
    })
    if (payload['op'] === 'list') return { users: [...this.users].map(row) }
    if (payload['op'] === 'add') {
      if (this.users.has(name)) throw new SecregError('USER_EXISTS', 'the user exists')
      this.users.set(name, {
        roles: (payload['roles'] as string[]) ?? [],
        disabled: false,
        password: String(payload['password']),
      })
      return {}
    }
    const user = this.users.get(name)
    if (user === undefined) throw new SecregError('USER_NOT_FOUND', 'no such user')
    if (payload['op'] === 'show') return { users: [row([name, user])] }
    if (payload['op'] === 'remove') this.users.delete(name)
    if (payload['op'] === 'roles') user.roles = payload['roles'] as string[]
    if (payload['op'] === 'password') user.password = String(payload['password'])
    if (payload['op'] === 'enable') user.disabled = false
    if (payload['op'] === 'disable') user.disabled = true
    return {}
  }
}
