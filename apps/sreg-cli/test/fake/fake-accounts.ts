/** Accounts, sessions and the seal of the fake registry. */
import { randomUUID } from 'node:crypto'
import { SecregError } from '@secreg/protocol'
import type { Payload } from './fake-entries.ts'

export const PASSWORD = 'correct horse battery'
export const PASSPHRASE = 'open sesame, please'

/** Their state, and the requests about them. */
export class FakeAccounts {
  readonly sessions = new Set<string>()
  readonly users = new Map<string, { roles: string[]; disabled: boolean; password: string }>([
    ['alice', { roles: ['admin'], disabled: false, password: PASSWORD }],
  ])
  state: 'uninitialized' | 'sealed' | 'unsealed' = 'unsealed'
  passphrase = PASSPHRASE

  session(): string {
    const id = randomUUID()
    this.sessions.add(id)
    return id
  }

  auth(payload: Payload): object {
    const user = this.users.get(String(payload['username']))
    if (user === undefined || user.password !== payload['password']) {
      return {
        success: false,
        error: {
          code: 4,
          name: 'AuthFailed',
          message: 'wrong name or password',
          reason: 'AUTH_FAILED',
          errno: 100,
        },
      }
    }
    return { success: true, session_id: this.session(), roles: user.roles, expires_in: 3600 }
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
      this.passphrase = String(payload['passphrase'])
      this.users.set(String(payload['admin']), {
        roles: ['admin'],
        disabled: false,
        password: String(payload['admin_password']),
      })
      this.state = 'unsealed'
    } else if (payload['op'] === 'unlock') {
      if (payload['passphrase'] !== this.passphrase) {
        throw new SecregError('AUTH_FAILED', 'the passphrase does not fit')
      }
      this.state = 'unsealed'
    } else this.state = 'sealed'
    return { state: this.state }
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
      disabled,
      created_at: 1_700_000_000_000,
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
