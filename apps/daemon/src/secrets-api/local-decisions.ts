/** Decisions by the policies of the registry. */
import type { Caller } from '@secreg/protocol'
import type { AskedSecret, ForeignSecrets } from '@secreg/registry'
import type { SecretUri } from '@secreg/secrets-api'
import type {
  Decision,
  DecisionPort,
  DecisionQuestion,
  DecisionResource,
} from '@secreg/secrets-api/enforcement'

const DENIED: Decision = Object.freeze({ effect: 'Deny', reason: 'policy' })

/**
 * Decide by what the registry knows the caller as. Who is nobody there is denied.
 *
 * @param foreign - of the registry as it is now: `init --force` puts another in its place
 */
export function localDecisions(foreign: () => Pick<ForeignSecrets, 'decide'>): DecisionPort {
  const decide = ({ subject, purpose, resource, context }: DecisionQuestion): Decision => {
    const { principal } = subject
    if (principal === undefined) return DENIED
    const attributes = resource.kind === 'secret' ? resource.attributes : undefined
    const { effect, obligations = {} } = foreign().decide(
      principal as Caller,
      purpose,
      resourceOf(resource),
      { timeMs: context.timeMs, ...(attributes === undefined ? {} : { attributes }) },
    )
    return effect === 'Permit' ? { effect, obligations } : DENIED
  }
  return { decide: async (questions) => questions.map(decide) }
}

/** What policies name; what has happened in a tenant is asked about as the root. */
function resourceOf(resource: DecisionResource): AskedSecret {
  return resource.kind === 'tenant' ? { path: '/' } : policyResource(resource.uri)
}

/** The whole secret: a rule about one must hold for each of its keys and versions. */
function policyResource({ provider, mount, segments, path }: SecretUri): AskedSecret {
  return provider === 'secreg' ? { path: ['', mount, ...segments].join('/') } : { foreign: path }
}
