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

/**
 * Routes of which the daemon says whether nobody is enough: it is asked without a session, and without a body. They
 * answer 401 to whoever presents nothing, but for development.
 */
export const OPEN_FOR_DEVELOPMENT: Readonly<Partial<Record<RouteName, string>>> = Object.freeze({
  secrets: 'for development: where `ENVIRONMENT` is `dev` or `test` and no credential is required',
  'secrets-events': 'the same, and events are on',
})
