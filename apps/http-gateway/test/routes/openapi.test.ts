import { SETEC_OPERATIONS } from '@secreg/setec/server'
import { expect, it } from 'vitest'
import { openapiDocument } from '../../src/routes/openapi.ts'
import { REGISTRY_REQUESTS } from '../../src/routes/registry-route.ts'
import { SECRETS_ENDPOINTS, SECRETS_EVENTS_PATH } from '../../src/routes/secrets-endpoints.ts'
import { ask } from '../support/ask.ts'
import { startGateway } from '../support/test-gateway.ts'

type Json = Record<string, unknown>

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** The rules of OpenAPI 3.1.0 §4.8 that a document of ours could break. */
function faultsOf(document: Json): string[] {
  const faults: string[] = []
  const need = (value: unknown, where: string): Json => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
    faults.push(`${where}: no object`)
    return {}
  }
  const text = (value: unknown, where: string): void => {
    if (typeof value !== 'string' || value === '') faults.push(`${where}: no text`)
  }
  if (!/^3\.1\.\d+$/.test(String(document['openapi']))) faults.push('openapi')
  const info = need(document['info'], 'info')
  text(info['title'], 'info.title')
  text(info['version'], 'info.version')
  const schemes = need(need(document['components'], 'components')['securitySchemes'], 'schemes')
  const requirements = (list: unknown, where: string): void => {
    if (!Array.isArray(list)) faults.push(`${where}: no list`)
    else
      for (const one of list)
        for (const name of Object.keys(one as Json))
          if (!Object.hasOwn(schemes, name)) faults.push(`${where}: unknown scheme ${name}`)
  }
  requirements(document['security'], 'security')
  const ids = new Set<unknown>()
  for (const [path, item] of Object.entries(need(document['paths'], 'paths'))) {
    if (!path.startsWith('/') || /[{}]/.test(path)) faults.push(`path ${path}`)
    for (const [method, operation] of Object.entries(need(item, path))) {
      const where = `${method} ${path}`
      if (!METHODS.includes(method)) faults.push(where)
      const { operationId, security, responses, requestBody, parameters = [] } = operation as Json
      text(operationId, where)
      if (ids.has(operationId)) faults.push(`${where}: operationId twice`)
      ids.add(operationId)
      if (security !== undefined) requirements(security, where)
      const codes = Object.entries(need(responses, where))
      if (codes.length === 0) faults.push(`${where}: no responses`)
      for (const [code, response] of codes) {
        if (!/^(?:[1-5][0-9]{2}|default)$/.test(code)) faults.push(`${where}: ${code}`)
        text((response as Json)['description'], `${where} ${code}`)
      }
      if (requestBody !== undefined) {
        if (method === 'get') faults.push(`${where}: a body`)
        need((requestBody as Json)['content'], `${where}: content`)
      }
      for (const parameter of parameters as Json[]) {
        text(parameter['name'], where)
        if (!['query', 'header', 'path', 'cookie'].includes(String(parameter['in'])))
          faults.push(where)
      }
    }
  }
  walk(document, (node) => {
    const reference = node['$ref']
    if (typeof reference === 'string' && resolve(document, reference) === undefined) {
      faults.push(`$ref ${reference}`)
    }
    if ('nullable' in node) faults.push('nullable is of 3.0')
    if (typeof node['exclusiveMinimum'] === 'boolean') faults.push('exclusiveMinimum is of 3.0')
  })
  return faults
}

function walk(value: unknown, visit: (node: Json) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) visit(value as Json)
  for (const child of Object.values(value)) walk(child, visit)
}

function resolve(document: Json, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined
  return reference
    .slice(2)
    .split('/')
    .reduce<unknown>((node, part) => (node as Json | undefined)?.[part], document)
}

it('describes every route and every request, by the rules of OpenAPI 3.1', async () => {
  await using running = await startGateway()
  const { status, headers, text } = await ask(running, '/openapi.json', {
    method: 'GET',
    token: null,
  })
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('application/json')
  const document = JSON.parse(text) as Json
  expect(document).toEqual(JSON.parse(JSON.stringify(openapiDocument('0.0.0'))))
  expect(faultsOf(document)).toEqual([])
  expect(Object.keys(document['paths'] as Json).sort()).toEqual(
    [
      '/',
      '/health',
      '/ready',
      '/metrics',
      '/openapi.json',
      '/.well-known/authzen-configuration',
      ...['evaluation', 'evaluations', 'search/action'].map((name) => `/access/v1/${name}`),
      ...REGISTRY_REQUESTS.map((name) => `/registry/${name}`),
      ...Object.keys(SECRETS_ENDPOINTS),
      SECRETS_EVENTS_PATH,
      ...SETEC_OPERATIONS.map((name) => `/api/${name}`),
    ].sort(),
  )
})

it('has the schemas that requests are checked with', () => {
  const document = openapiDocument('1')
  const schemaAt = (path: string): unknown => {
    const pointer = ['paths', path, 'post', 'requestBody', 'content', 'application/json', 'schema']
    return pointer.reduce<unknown>((node, part) => (node as Json | undefined)?.[part], document)
  }
  expect(schemaAt('/registry/get')).toMatchObject({
    type: 'object',
    required: ['key'],
    properties: { key: { type: 'string' }, decrypt: { type: 'boolean' } },
  })
  expect(schemaAt('/api/create-version')).toMatchObject({
    required: ['Name', 'Version', 'Value'],
    properties: { Version: { type: 'integer', minimum: 1, maximum: 4_294_967_295 } },
  })
})

it('has every method of the Secrets API, with its body or its query, and what is answered', () => {
  const { paths } = openapiDocument('1') as { paths: Record<string, Record<string, Json>> }
  for (const [path, endpoint] of Object.entries(SECRETS_ENDPOINTS)) {
    const told = paths[path] ?? {}
    expect(
      Object.keys(told)
        .map((method) => method.toUpperCase())
        .sort(),
    ).toEqual(Object.keys(endpoint).sort())
    for (const [method, operation] of Object.entries(told)) {
      const where = `${method} ${path}`
      expect(operation['requestBody'] !== undefined, where).toBe(method === 'post')
      const parameters = operation['parameters'] as Json[]
      expect(
        parameters.some((one) => one['in'] === 'query'),
        where,
      ).toBe(method !== 'post')
      expect(operation['summary'], where).toEqual(expect.any(String))
      const { 200: done } = operation['responses'] as Record<string, Json>
      expect(done, where).toMatchObject({
        content: { 'application/json': { schema: { type: 'object' } } },
      })
    }
  }
})

it('would find what is wrong with a document', () => {
  const document = structuredClone(openapiDocument('1')) as {
    paths: Record<string, Record<string, Json>>
  } & Json
  document['openapi'] = '3.0.3'
  const post = document.paths['/registry/get']?.['post'] ?? {}
  post['operationId'] = 'registry_set'
  post['security'] = [{ nobody: [] }]
  post['responses'] = { 2000: { description: '' } }
  post['requestBody'] = { content: { x: { schema: { $ref: '#/components/schemas/None' } } } }
  expect(faultsOf(document)).toEqual(
    expect.arrayContaining([
      'openapi',
      'post /registry/get: unknown scheme nobody',
      'post /registry/get: 2000',
      'post /registry/get 2000: no text',
      '$ref #/components/schemas/None',
    ]),
  )
})
