/** The metadata document of a decision point (AuthZEN 1.0, section 9). */

/** Where a decision point answers, below its base URL. */
export const AUTHZEN_PATHS: Readonly<Record<'evaluation' | 'evaluations' | 'metadata', string>> =
  Object.freeze({
    evaluation: '/access/v1/evaluation',
    evaluations: '/access/v1/evaluations',
    metadata: '/.well-known/authzen-configuration',
  })

/** What a decision point offers. An endpoint that is not offered is absent. */
export interface AuthzenMetadata {
  readonly policy_decision_point: string
  readonly access_evaluation_endpoint: string
  readonly access_evaluations_endpoint?: string
  /** Draft obligations profile. */
  readonly supported_obligations?: readonly string[]
}

/** What to offer. */
export interface AuthzenMetadataOptions {
  /** Default true. */
  readonly evaluations?: boolean
}

/**
 * Make the metadata of a decision point.
 *
 * @param baseUrl its https URL without query and fragment
 * @throws RangeError for any other URL
 */
export function authzenMetadata(
  baseUrl: string,
  options: AuthzenMetadataOptions = {},
): AuthzenMetadata {
  if (typeof baseUrl !== 'string') throw new TypeError('baseUrl: expected a string')
  // The text is published as it is, so what a URL parser would mend is refused.
  if (!/^https:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/.test(baseUrl) || !URL.canParse(baseUrl)) {
    throw new RangeError('baseUrl: expected an https URL without query, fragment and user')
  }
  const base = baseUrl.replace(/\/+$/, '')
  return {
    policy_decision_point: base,
    access_evaluation_endpoint: base + AUTHZEN_PATHS.evaluation,
    ...(options.evaluations === false
      ? {}
      : { access_evaluations_endpoint: base + AUTHZEN_PATHS.evaluations }),
    supported_obligations: ['custom'],
  }
}
