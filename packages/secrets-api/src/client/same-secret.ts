/** Whether an answer is about what was asked for. */
import { SecretUriError } from '../errors.ts'
import { parseSecretUri } from '../uri/parse-secret-uri.ts'
import type { SecretUri } from '../uri/secret-uri.ts'

/** Tell whether a text is the URI of the same secret and key, in whatever version. */
export function isSameSecret(asked: SecretUri, answered: string): boolean {
  try {
    const { path, fragment } = parseSecretUri(answered)
    return path === asked.path && fragment === asked.fragment
  } catch (error) {
    if (error instanceof SecretUriError) return false
    throw error
  }
}
