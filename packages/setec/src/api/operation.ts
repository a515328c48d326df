/** The operations of setec's HTTP API (setec docs/api.md): each is a POST to `/api/` and its name. */

/** Name of an operation. */
export type SetecOperation =
  | 'list'
  | 'get'
  | 'info'
  | 'put'
  | 'create-version'
  | 'activate'
  | 'delete'
  | 'delete-version'

/** Right that an operation needs on the secret; of `list`, the right that shows one. */
export const SETEC_ACTION_OF: Readonly<Record<SetecOperation, SetecAction>> = Object.freeze({
  list: 'info',
  get: 'get',
  info: 'info',
  put: 'put',
  'create-version': 'create-version',
  activate: 'activate',
  delete: 'delete',
  'delete-version': 'delete',
})

/** Every operation. */
export const SETEC_OPERATIONS: readonly SetecOperation[] = Object.freeze(
  Object.keys(SETEC_ACTION_OF) as SetecOperation[],
)

/** A right in setec's rules (setec docs/api.md, "Permissions"); none implies another. */
export type SetecAction = 'get' | 'info' | 'put' | 'create-version' | 'activate' | 'delete'

/** Header that every request carries, so that no browser sends one across origins by itself, and its value. */
export const GUARD_HEADER = 'Sec-X-Tailscale-No-Browsers'
export const GUARD_VALUE = 'setec'

/** Content type of requests and successful answers, byte for byte. */
export const JSON_TYPE = 'application/json'

const BY_PATH: ReadonlyMap<string, SetecOperation> = new Map(
  SETEC_OPERATIONS.map((operation) => [pathOf(operation), operation]),
)

/** Path of an operation below the address of the server. */
export function pathOf(operation: SetecOperation): `/api/${SetecOperation}` {
  return `/api/${operation}`
}

/**
 * The operation at a path, which is taken as it was sent: nothing is decoded or resolved.
 *
 * @param path - without query and without the prefix of the server's address
 */
export function operationAt(path: string): SetecOperation | undefined {
  return BY_PATH.get(path)
}
