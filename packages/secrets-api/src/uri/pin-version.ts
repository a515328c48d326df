/** A version that is named beside a URI: specs secrets-api §2.5, E3. */
import { SecretsApiError, SecretUriError } from '../errors.ts'
import { withParts } from './format-secret-uri.ts'
import { parseSecretVersion } from './parse-secret-uri.ts'
import type { SecretUri } from './secret-uri.ts'

/**
 * Put the version of a parameter of HTTP into a URI, so that policy and provider see it.
 *
 * @param text - the parameter, `undefined` where there is none
 * @throws SecretUriError `AMBIGUOUS_QUERY` when the URI names another version, `VERSION_NOT_ALLOWED` for YAML
 * @throws SecretsApiError `INVALID_REQUEST` when it is no number of a version
 */
export function pinVersion(uri: SecretUri, text: string | undefined): SecretUri {
  if (text === undefined) return uri
  const version = parseSecretVersion(text)
  if (version === undefined) throw new SecretsApiError('INVALID_REQUEST')
  if (uri.version !== undefined && uri.version !== version) {
    throw new SecretUriError('AMBIGUOUS_QUERY')
  }
  return withParts(uri, { version })
}
