/** From a path to its route, on the path as it was sent. */
import findMyWay from 'find-my-way'
import type { Route } from './route.ts'

/** Methods that are looked at at all; one that no route could have is refused before its path is. */
export const METHODS: readonly string[] = Object.freeze([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
])

export interface FoundRoute {
  readonly route: Route
  readonly rest: string
}

export class RouteTable {
  readonly routes: readonly Route[]
  readonly #router = findMyWay({ caseSensitive: true, maxParamLength: 512 })

  constructor(routes: readonly Route[]) {
    this.routes = routes
    for (const route of routes) this.#router.on('GET', route.path, () => {}, route)
  }

  /** @param path - without prefix and query */
  find(path: string): FoundRoute | undefined {
    // The router would decode, and `/%61pi/get` is another path than `/api/get`.
    const found = this.#router.find('GET', path.includes('%') ? path.replaceAll('%', '%25') : path)
    if (found === null) return undefined
    return { route: found.store as Route, rest: Object.values(found.params)[0] ?? '' }
  }
}
