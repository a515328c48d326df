/** The rules of subauth (specs: subauth §2.1, §3.3) over accounts in memory, as plainly as they can be written. */
import { randomBytes } from 'node:crypto'
import { SubauthError } from '@secreg/subauth'
import type { ManagedAccount, SubauthPort } from '@secreg/subauth/server'
import { type CaseSite, VECTORS } from './cases.ts'

interface Token {
  text: string
  comment: string
  modifiedAtS: number
}

interface Temporary {
  readonly text: string
  readonly endsAtMs: number
}

interface Account {
  passwd?: { text: string; modifiedAtS: number }
  allowPasswdAuth: boolean
  readonly tokens: Map<string, Token>
  temporary: Temporary[]
}

type Zone = (typeof VECTORS.zones)[string]

const random = () => randomBytes(16).toString('hex')

/** A server with the zones and users of the vectors, and no account. */
export function modelSite(): CaseSite {
  const accounts = new Map<string, Account>()
  let nowMs = 1_800_000_000_000
  return {
    portOf: (uid, systemUser) => new ModelPort(accounts, uid, systemUser, () => nowMs),
    pass(ms) {
      nowMs += ms
    },
  }
}

class ModelPort implements SubauthPort {
  readonly #accounts: Map<string, Account>
  readonly #uid: number
  readonly #systemUser: string | undefined
  readonly #nowMs: () => number

  constructor(
    accounts: Map<string, Account>,
    uid: number,
    systemUser: string | undefined,
    nowMs: () => number,
  ) {
    this.#accounts = accounts
    this.#uid = uid
    this.#systemUser = systemUser
    this.#nowMs = nowMs
  }

  async createAccount(zone: string, login: string): Promise<void> {
    this.#requireRoot()
    this.#zone(zone)
    if (!isUser(login)) throw new SubauthError('ZONE_OR_USER_NOT_FOUND')
    if (this.#accounts.has(keyOf(zone, login))) throw new SubauthError('ACCOUNT_EXISTS')
    this.#make(zone, login)
  }

  async deleteAccount(zone: string, login: string): Promise<void> {
    this.#requireRoot()
    if (zone === '*') {
      for (const name of Object.keys(VECTORS.zones)) this.#accounts.delete(keyOf(name, login))
    } else if (!this.#accounts.delete(keyOf(zone, login))) {
      throw new SubauthError('ACCOUNT_NOT_FOUND')
    }
  }

  async createToken(account: ManagedAccount & { readonly comment?: string }) {
    const login = this.#managed(account)
    if (this.#zone(account.zone)['allow-tokens'] === 0) throw new SubauthError('ZONE_REFUSED')
    const { tokens } = this.#open(account.zone, login)
    let ident: string
    do ident = random().slice(0, 4)
    while (tokens.has(ident))
    const token = `${ident}-${random()}`
    const { comment = '' } = account
    tokens.set(ident, { text: token, comment, modifiedAtS: this.#nowS() })
    return { token, ident }
  }

  async deleteToken(account: ManagedAccount & { readonly ident: string }): Promise<void> {
    const found = this.#account(account.zone, this.#managed(account))
    if (account.ident === '*') {
      found.tokens.clear()
      found.temporary = []
    } else if (!found.tokens.delete(account.ident.toLowerCase())) {
      throw new SubauthError('TOKEN_NOT_FOUND')
    }
  }

  async changeToken(account: ManagedAccount & { readonly ident: string; comment?: string }) {
    const found = this.#account(account.zone, this.#managed(account))
    const token = found.tokens.get(account.ident.toLowerCase())
    if (token === undefined) throw new SubauthError('TOKEN_NOT_FOUND')
    if (account.comment === undefined) return
    token.comment = account.comment
    token.modifiedAtS = this.#nowS()
  }

  async setPasswd(account: ManagedAccount & { readonly passwd: string }): Promise<void> {
    const login = this.#managed(account)
    if (this.#zone(account.zone)['allow-passwd'] === 0) throw new SubauthError('ZONE_REFUSED')
    const passwd = { text: account.passwd, modifiedAtS: this.#nowS() }
    this.#open(account.zone, login).passwd = passwd
  }

  async deletePasswd(account: ManagedAccount): Promise<void> {
    const found = this.#account(account.zone, this.#managed(account))
    if (found.passwd === undefined) throw new SubauthError('PASSWD_NOT_FOUND')
    delete found.passwd
  }

  async createTemp(account: ManagedAccount & { readonly validity: number }) {
    const login = this.#managed(account)
    const longest = this.#zone(account.zone)['max-temp-validity']
    if (longest === 0) throw new SubauthError('ZONE_REFUSED')
    if (account.validity > longest) throw new SubauthError('VALIDITY_REFUSED')
    const text = `t1-${random()}`
    const endsAtMs = this.#nowMs() + account.validity * 1000
    this.#open(account.zone, login).temporary.push({ text, endsAtMs })
    return { token: text }
  }

  async login({ login, passwd, zone }: { zone: string; login?: string; passwd: string }) {
    const found = this.#accounts.get(keyOf(zone, this.#managed({ zone, ...whose(login) })))
    const settings = VECTORS.zones[zone]
    if (found === undefined || settings === undefined) return false
    if (!passwd.includes('-'))
      return settings['allow-passwd'] === 1 && found.passwd?.text === passwd
    if (/^[0-9a-f]{4}-/i.test(passwd)) {
      const token = found.tokens.get(passwd.slice(0, 4).toLowerCase())
      return settings['allow-tokens'] === 1 && token?.text.slice(5) === passwd.slice(5)
    }
    return found.temporary.some(({ endsAtMs, text }) => text === passwd && this.#nowMs() < endsAtMs)
  }

  async allowPasswdAuth(account: ManagedAccount & { readonly allow: boolean }): Promise<void> {
    const found = this.#account(account.zone, this.#managed(account))
    if (this.#zone(account.zone)['allow-passwd-auth'] === 0) throw new SubauthError('ZONE_REFUSED')
    found.allowPasswdAuth = account.allow
  }

  async accounts(of: { readonly login?: string }) {
    const login = this.#managed({ zone: '', ...of })
    const accounts = Object.keys(VECTORS.zones).flatMap((zone) => {
      const found = this.#accounts.get(keyOf(zone, login))
      if (found === undefined) return []
      const { allowPasswdAuth, passwd, tokens } = found
      const entries = [...tokens].map(([ident, { comment, modifiedAtS }]) => {
        return { type: 'token', ident, comment, modifiedAtS } as const
      })
      const first =
        passwd === undefined ? [] : [{ type: 'passwd', modifiedAtS: passwd.modifiedAtS } as const]
      return [{ zone, allowPasswdAuth, tokens: [...first, ...entries] }]
    })
    return { login, accounts }
  }

  async zones() {
    return Object.entries(VECTORS.zones).map(([zone, of]) => ({
      zone,
      description: of.desc,
      allowPasswd: of['allow-passwd'] === 1,
      allowTokens: of['allow-tokens'] === 1,
      allowPasswdAuth: of['allow-passwd-auth'] === 1,
      maxTempValidityS: of['max-temp-validity'],
    }))
  }

  /** The login that is meant, once the caller may act for it. */
  #managed({ authPasswd, login = this.#systemUser, zone }: ManagedAccount): string {
    if (login === undefined) throw new SubauthError('NO_LOGIN_NAME')
    if (authPasswd !== undefined) {
      const found = this.#accounts.get(keyOf(zone, login))
      const allowed = VECTORS.zones[zone]?.['allow-passwd-auth'] === 1 && found?.allowPasswdAuth
      if (!allowed || found?.passwd?.text !== authPasswd) throw new SubauthError('AUTH_FAILED')
    } else if (this.#uid !== 0 && login !== this.#systemUser) {
      throw new SubauthError('NOT_PERMITTED')
    }
    return login
  }

  #requireRoot(): void {
    if (this.#uid !== 0) throw new SubauthError('NOT_PERMITTED')
  }

  #zone(name: string): Zone {
    const found = VECTORS.zones[name]
    if (found === undefined) throw new SubauthError('ACCOUNT_NOT_FOUND')
    return found
  }

  #account(zone: string, login: string): Account {
    const found = this.#accounts.get(keyOf(zone, login))
    if (found === undefined) throw new SubauthError('ACCOUNT_NOT_FOUND')
    return found
  }

  #open(zone: string, login: string): Account {
    const found = this.#accounts.get(keyOf(zone, login))
    if (found !== undefined) return found
    if (this.#zone(zone)['auto-create'] === 0 || !isUser(login)) {
      throw new SubauthError('ACCOUNT_NOT_FOUND')
    }
    return this.#make(zone, login)
  }

  #make(zone: string, login: string): Account {
    const made: Account = { allowPasswdAuth: false, tokens: new Map(), temporary: [] }
    this.#accounts.set(keyOf(zone, login), made)
    return made
  }

  #nowS(): number {
    return Math.floor(this.#nowMs() / 1000)
  }
}

const keyOf = (zone: string, login: string) => `${zone}/${login}`
const isUser = (login: string) => Object.hasOwn(VECTORS.users, login)
const whose = (login: string | undefined) => (login === undefined ? {} : { login })
