/** What the configuration grants to gateways: how long their sessions live, and whom they may say that a caller is. */
import { type Config, parseAssertion } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import type { GatewayTerms } from '@secreg/registry'

type Settings = Config['gateway']

/** Users that gateways run as, by number. */
export interface GatewayUsers {
  /** From `gateway.user`: nobody else may connect. */
  readonly named: number | undefined
  /** The user of the daemon, whose assertions are believed where no other is named. */
  readonly own: number | undefined
}

export class GatewayGrants {
  readonly #users: GatewayUsers
  #settings: Settings
  #logins: ReadonlyMap<string, string>
  readonly #bindings = new Set<object>()

  constructor(settings: Settings, users: GatewayUsers) {
    this.#users = users
    this.#settings = settings
    this.#logins = loginsOf(settings)
  }

  /** Why nobody of this user may be a gateway; undefined when he may. */
  refusal(uid: number | undefined): SecregError | undefined {
    const { named } = this.#users
    if (named === undefined || named === uid) return undefined
    return new SecregError('ACCESS_DENIED', 'this socket is for the user of the gateway alone')
  }

  /**
   * Terms of a connection that has just come; they follow the configuration.
   *
   * @param uid - as the kernel reported it; undefined where it cannot be asked, and the permissions of the socket decide
   */
  terms(uid: number | undefined): GatewayTerms {
    const binding = {}
    this.#bindings.add(binding)
    const { named, own } = this.#users
    const mayAssert = uid === undefined ? named === undefined : uid === (named ?? own)
    const lifetimeMs = (): number => this.#settings.sessionSeconds * 1000
    return {
      binding,
      get lifetimeMs() {
        return lifetimeMs()
      },
      loginOf: (assertion) => (mayAssert ? this.#logins.get(assertion) : undefined),
    }
  }

  /** A connection has ended. */
  forget({ binding }: GatewayTerms): void {
    this.#bindings.delete(binding)
  }

  /**
   * Take a reloaded configuration.
   *
   * @returns the connections whose sessions must end, because something that opened them is granted no more
   */
  configure(settings: Settings): readonly object[] {
    const before = this.#logins
    this.#settings = settings
    this.#logins = loginsOf(settings)
    const isLess = [...before].some(([principal, login]) => this.#logins.get(principal) !== login)
    return isLess ? [...this.#bindings] : []
  }
}

function loginsOf({ mayAssert }: Settings): ReadonlyMap<string, string> {
  const logins = new Map<string, string>()
  const twice = new Set<string>()
  for (const text of mayAssert) {
    const rule = parseAssertion(text)
    if (rule === undefined) continue
    const { principal, login } = rule
    if (logins.has(principal) && logins.get(principal) !== login) twice.add(principal)
    logins.set(principal, login)
  }
  // Two accounts for one principal: nobody can tell which is meant.
  for (const principal of twice) logins.delete(principal)
  return logins
}
