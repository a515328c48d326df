import { SecregError } from '@secreg/protocol'

/** The reason that an action fails for; undefined if it does not. Any other error goes on. */
export function reasonOf(action: () => unknown): string | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (SecregError.is(error)) return error.reason
    throw error
  }
}
