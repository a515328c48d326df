/**
 * Secret URIs: `scheme://mount/segment…[#fragment][?version=N]`, the fragment before the parameters, which is the
 * reverse of RFC 3986, and nothing escaped, so that a secret has one spelling (specs: secrets-api §1.2).
 */

/** What stands behind a scheme. */
export type SecretProviderName = 'yaml' | 'openbao' | 'hashicorp' | 'secreg'

/** The schemes, in canonical lower case. */
export type SecretScheme = 'yaml' | 'openbao+kv2' | 'hashicorp+kv2' | 'secreg'

/** Every scheme with its provider and, where the provider needs one named, its engine. */
export const SECRET_SCHEMES: Readonly<
  Record<
    SecretScheme,
    { readonly provider: SecretProviderName; readonly engine: 'kv2' | undefined }
  >
> = Object.freeze({
  yaml: Object.freeze({ provider: 'yaml', engine: undefined }),
  'openbao+kv2': Object.freeze({ provider: 'openbao', engine: 'kv2' }),
  'hashicorp+kv2': Object.freeze({ provider: 'hashicorp', engine: 'kv2' }),
  secreg: Object.freeze({ provider: 'secreg', engine: undefined }),
})

/** Where a secret stands in its provider. */
export interface SecretPlace {
  readonly mount: string
  /** Below the mount; at least one of a secret, none where the mount itself is meant. */
  readonly segments: readonly string[]
}

/** What a secret URI is made of. */
export interface SecretUriParts extends SecretPlace {
  readonly scheme: SecretScheme
  /** The key in the map of values that a secret is. */
  readonly fragment?: string | undefined
  /** 1 to 2^31 − 1. */
  readonly version?: number | undefined
}

/** A secret URI that a parser has accepted. */
export interface SecretUri extends SecretUriParts {
  readonly provider: SecretProviderName
  readonly engine: 'kv2' | undefined
  readonly fragment: string | undefined
  readonly version: number | undefined
  /** The one spelling: what policy decides on and what references are made of. */
  readonly canonical: string
  /** The one spelling of scheme, mount and path alone. */
  readonly path: string
}

/** All below a place of one provider. */
export interface SecretPrefix extends SecretPlace {
  readonly scheme: SecretScheme
  readonly provider: SecretProviderName
  readonly engine: 'kv2' | undefined
  /** The one spelling, without a trailing slash. */
  readonly canonical: string
}

/** The secret URI of parts that are known to be well-formed; frozen. */
export function secretUriOf(parts: SecretUriParts): SecretUri {
  const { scheme, mount, fragment, version } = parts
  const path = `${scheme}://${[mount, ...parts.segments].join('/')}`
  const tail = version === undefined ? '' : `?version=${version}`
  return Object.freeze({
    scheme,
    ...SECRET_SCHEMES[scheme],
    mount,
    segments: Object.freeze([...parts.segments]),
    fragment,
    version,
    path,
    canonical: `${path}${fragment === undefined ? '' : `#${fragment}`}${tail}`,
  })
}
