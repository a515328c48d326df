import { SecretsApiError, type SecretsApiReason } from '@secreg/secrets-api'

/** Why something is refused, `undefined` where it is not. Any other error is one of the test. */
export function reasonOf(run: () => unknown): SecretsApiReason | undefined {
  try {
    run()
  } catch (error) {
    return told(error)
  }
  return undefined
}

/** As {@link reasonOf}, later. */
export async function laterReasonOf(
  run: Promise<unknown> | (() => Promise<unknown>),
): Promise<SecretsApiReason | undefined> {
  try {
    await (typeof run === 'function' ? run() : run)
  } catch (error) {
    return told(error)
  }
  return undefined
}

function told(error: unknown): SecretsApiReason {
  if (SecretsApiError.is(error)) return error.reason
  throw error
}
