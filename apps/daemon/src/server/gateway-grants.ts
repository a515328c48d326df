/** What the configuration grants to gateways: how long their sessions live, and whom they may say that a caller is. */
import { type Config, parseAssertion } from '@secreg/host'
import type { GatewayTerms } from '@secreg/registry'

type Settings = Config['gateway']

export class GatewayGrants {
  #settings: Settings
  #logins: ReadonlyMap<string, string>
  readonly #bindings = new Set<object>()

  constructor(settings: Settings) {
    this.#settings = settings
    this.#logins = loginsOf(settings)
  }

  /** Terms of a connection that has just come; they follow the configuration. */
  terms(): GatewayTerms {
    const binding = {}
    this.#bindings.add(binding)
    const lifetimeMs = (): number => this.#settings.sessionSeconds * 1000
    return {
      binding,
      get lifetimeMs() {
        return lifetimeMs()
      },
      loginOf: (assertion) => this.#logins.get(assertion),
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
