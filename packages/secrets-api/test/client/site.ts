/** The service over providers in memory, behind HTTP as the gateway has it. */
import type { SecretsRoute } from '@secreg/secrets-api/service'
import { openBench, type ServiceBench } from '../service/support.ts'
import { type Answered, type Came, type Server, serve } from './server.ts'

const ROUTES: Readonly<Record<string, SecretsRoute>> = {
  'POST /api/secrets': 'write',
  'GET /api/secrets': 'read',
  'DELETE /api/secrets': 'delete',
  'GET /api/secrets/value': 'value',
  'POST /api/secrets/rotate': 'rotate',
  'GET /api/secrets/metadata': 'list',
  'GET /api/secrets/keys': 'keys',
  'GET /api/secrets/metadata/detail': 'metadata',
  'GET /api/secrets/versions': 'versions',
  'POST /api/secrets/metadata/owner': 'owner',
  'GET /api/secrets/search': 'search',
  'POST /api/secrets/undelete': 'undelete',
  'POST /api/secrets/destroy-versions': 'destroy-versions',
  'POST /api/secrets/bulk': 'bulk',
  'POST /api/secrets/copy': 'copy',
  'POST /api/secrets/move': 'move',
}

export interface Site extends Server, ServiceBench {}

export async function site(): Promise<Site> {
  const bench = await openBench()
  const server = await serve((came) =>
    came.path === '/api/secrets/events' ? follow(bench, came) : answer(bench, came),
  )
  return { ...bench, ...server }
}

async function answer({ ask }: ServiceBench, came: Came): Promise<Answered> {
  const route = ROUTES[`${came.method} ${came.path}`]
  if (route === undefined) return [404, {}]
  const sent = { query: came.query, ...(came.body === '' ? {} : { body: came.body }) }
  const { status, body, headers } = await ask(route, sent)
  return [status, body, { ...headers }]
}

/** Frames as specs secrets-api §2.5 has them. */
async function follow({ service, bench }: ServiceBench, came: Came): Promise<undefined> {
  const { response, headers } = came
  const closed = new AbortController()
  response.on('close', () => closed.abort())
  response.writeHead(200, { 'Content-Type': 'text/event-stream' })
  response.write(': ping\n\n')
  const last = headers['last-event-id']
  let after = last === undefined ? undefined : Number(last)
  while (!closed.signal.aborted) {
    const next = await service.follow(bench.caller(), after, 1000, closed.signal)
    if (!('events' in next)) return undefined
    for (const { id, envelope } of next.events) {
      response.write(
        `id: ${id}\nevent: ${envelope.event_type}\ndata: ${JSON.stringify(envelope)}\n\n`,
      )
    }
    after = next.after
  }
  return undefined
}
