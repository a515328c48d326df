/** Every path of the Secrets API with its methods, and what of the protocol each asks (specs: secrets-api §2.4). */
import type { SecretsRoute } from '@secreg/protocol/messages'

export type SecretsMethod = 'GET' | 'POST' | 'DELETE'

/** What is asked at a path, by method. */
export type SecretsEndpoint = Readonly<Partial<Record<SecretsMethod, SecretsRoute>>>

/** E1 to E16 and E18. */
export const SECRETS_ENDPOINTS: Readonly<Record<string, SecretsEndpoint>> = Object.freeze({
  '/api/secrets': { GET: 'read', POST: 'write', DELETE: 'delete' },
  '/api/secrets/value': { GET: 'value' },
  '/api/secrets/rotate': { POST: 'rotate' },
  '/api/secrets/metadata': { GET: 'list' },
  '/api/secrets/keys': { GET: 'keys' },
  '/api/secrets/metadata/detail': { GET: 'metadata' },
  '/api/secrets/versions': { GET: 'versions' },
  '/api/secrets/metadata/owner': { POST: 'owner' },
  '/api/secrets/search': { GET: 'search' },
  '/api/secrets/undelete': { POST: 'undelete' },
  '/api/secrets/destroy-versions': { POST: 'destroy-versions' },
  '/api/secrets/bulk': { POST: 'bulk' },
  '/api/secrets/copy': { POST: 'copy' },
  '/api/secrets/move': { POST: 'move' },
  '/api/secrets/audit': { GET: 'audit' },
})

/** E17: events, as they come. */
export const SECRETS_EVENTS_PATH = '/api/secrets/events'
