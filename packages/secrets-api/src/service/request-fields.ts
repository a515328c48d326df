/** What requests say, read strictly: from a query or from a body, never from both (specs: secrets-api §2.1). */
import { SecretsApiError, SecretUriError } from '../errors.ts'
import { type JsonBody, parseJsonBody } from '../http/json-body.ts'
import { integerParameter, parseQuery } from '../http/query.ts'
import type { JsonValue } from '../provider/json-value.ts'
import { isSecretSegment } from '../uri/characters.ts'
import { type ParseSecretUriOptions, parseSecretUri } from '../uri/parse-secret-uri.ts'
import { parseSecretPrefix } from '../uri/secret-prefix.ts'
import type { SecretPrefix, SecretUri } from '../uri/secret-uri.ts'
import type { SecretsRequest } from './service.ts'

/** Parameters of a request that has no body. @throws SecretsApiError */
export function parametersOf(
  { query, body }: SecretsRequest,
  known: readonly string[],
): ReadonlyMap<string, string> {
  if (body !== undefined && body.length > 0) throw new SecretsApiError('INVALID_REQUEST')
  return parseQuery(query, known)
}

/** Members of the body of a request that has no parameters. @throws SecretsApiError */
export function membersOf({ query, body }: SecretsRequest, known: readonly string[]): JsonBody {
  parseQuery(query, [])
  if (body === undefined) throw new SecretsApiError('INVALID_REQUEST')
  return parseJsonBody(body, known)
}

/** A member that there must be. @throws SecretsApiError `INVALID_REQUEST` */
export function member(members: JsonBody, name: string): JsonValue {
  const value = optionalMember(members, name)
  if (value === undefined) throw new SecretsApiError('INVALID_REQUEST')
  return value
}

/** A member that there may be. */
export function optionalMember(members: JsonBody, name: string): JsonValue | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

/** @throws SecretsApiError `INVALID_REQUEST` */
export function booleanMember(members: JsonBody, name: string, fallback: boolean): boolean {
  const value = optionalMember(members, name) ?? fallback
  if (typeof value !== 'boolean' || members[name] === null) {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  return value
}

/** A URI that there must be. @throws SecretsApiError */
export function uriOf(text: unknown, options: ParseSecretUriOptions): SecretUri {
  if (typeof text !== 'string' || text === '') throw new SecretsApiError('INVALID_REQUEST')
  return parseSecretUri(text, options)
}

/** The prefix of a listing: `prefix`, or the older `mount` and `prefix` of YAML. @throws SecretsApiError */
export function prefixOf(
  query: ReadonlyMap<string, string>,
  options: ParseSecretUriOptions,
): SecretPrefix {
  const prefix = query.get('prefix')
  if (prefix === undefined) throw new SecretsApiError('INVALID_REQUEST')
  const mount = query.get('mount')
  if (mount !== undefined) return parseSecretPrefix(yamlText(mount, prefix), options)
  if (prefix === '') throw new SecretsApiError('INVALID_REQUEST')
  return parseSecretPrefix(prefix, options)
}

/** A secret: `uri`, or the older `mount` and `prefix` of YAML. @throws SecretsApiError */
export function placeOf(
  query: ReadonlyMap<string, string>,
  options: ParseSecretUriOptions,
): SecretUri {
  const [uri, mount, prefix] = ['uri', 'mount', 'prefix'].map((name) => query.get(name))
  if (uri !== undefined) {
    if (mount !== undefined || prefix !== undefined) throw new SecretsApiError('INVALID_REQUEST')
    return uriOf(uri, options)
  }
  if (mount === undefined || prefix === undefined) throw new SecretsApiError('INVALID_REQUEST')
  return uriOf(yamlText(mount, prefix), options)
}

/** @throws SecretUriError */
function yamlText(mount: string, path: string): string {
  if (path.includes('://')) throw new SecretUriError('DOUBLE_MOUNT_SOURCE')
  // Or a separator in it would make it the mount and a part of the path.
  if (!isSecretSegment(mount)) throw new SecretUriError('ILLEGAL_SEGMENT')
  return `yaml://${mount}/${path}`
}

/** Which part of a list is asked for. */
export interface PageRange {
  readonly offset: number
  readonly limit: number
}

/** @throws SecretsApiError `INVALID_REQUEST` */
export function rangeOf(query: ReadonlyMap<string, string>): PageRange {
  return {
    offset: integerParameter(query.get('offset'), { fallback: 0, least: 0, most: 2_147_483_647 }),
    limit: integerParameter(query.get('limit'), { fallback: 100, least: 1, most: 1_000 }),
  }
}
