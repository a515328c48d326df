/** Routes that answer without a credential, each with the reason why they may. */
import type { RouteName } from './route.ts'

/** Every open route. One that is not listed here answers 401 to whoever presents nothing. */
export const OPEN_ROUTES: Readonly<Partial<Record<RouteName, string>>> = Object.freeze({
  health: 'for supervisors: says that the process answers, which a connection says too',
  ready: 'for load balancers: one word, no more than whether requests would be served',
  'authzen-metadata':
    'for decision clients, which look there before they ask: names of routes, the same for everybody',
  openapi: 'the interface of this version, the same for everybody; nothing of this registry',
})
