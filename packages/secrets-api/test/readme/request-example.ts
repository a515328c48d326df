import {
  booleanParameter,
  openSecretReferences,
  parseJsonBody,
  parseQuery,
  parseSecretUri,
  pinVersion,
} from '@secreg/secrets-api'

// What followed `?` in the target of a request, as it was sent.
const query = parseQuery('uri=openbao+kv2://secret/app/api%23token&version=3', ['uri', 'version'])
export const uri = pinVersion(parseSecretUri(query.get('uri') ?? ''), query.get('version'))
// openbao+kv2://secret/app/api#token?version=3

export const destroy: boolean = booleanParameter(query.get('destroy'), false)

// What stands for it in a record or a metric.
const references = await openSecretReferences('test-tenant-salt-0123456789abcdef')
export const resourceRef: string = await references.resourceRef(uri)

const body = new TextEncoder().encode('{"uri":"yaml://secret/env#A","value":"x"}')
export const { value } = parseJsonBody(body, ['uri', 'value', 'cas'])
