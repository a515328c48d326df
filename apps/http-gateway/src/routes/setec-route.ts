/** setec's HTTP API for its unmodified clients: the head of the request as it was sent, and the port of its caller. */
import { setecPort } from '@secreg/setec/registry'
import { type SetecAnswer, type SetecPort, serveDashboard, serveSetec } from '@secreg/setec/server'
import { Caller, type CallerContext } from '../caller.ts'
import { GatewayError } from '../errors.ts'
import type { RequestFacts } from '../request-facts.ts'
import { type Answer, retryAfter } from '../server/answer.ts'
import type { Exchange, Route } from './route.ts'

export function setecRoute(context: CallerContext): Route {
  return {
    name: 'setec',
    path: '/api/*',
    methods: 'any',
    answer: (exchange) => answer(context, exchange),
    refuse: textAnswer,
  }
}

/** The page of its server: of who shows himself, and of nobody else. */
export function dashboardRoute(context: CallerContext): Route {
  return {
    name: 'dashboard',
    path: '/',
    methods: ['GET', 'HEAD'],
    answer: async ({ facts }) => told(await serveDashboard(() => identify(context, facts))),
    refuse: textAnswer,
  }
}

async function identify(context: CallerContext, facts: RequestFacts): Promise<SetecPort> {
  const caller = await Caller.identify(context, facts)
  return setecPort({
    get: (request) => caller.request('get', request),
    list: (request) => caller.request('list', request),
    meta: (request) => caller.request('meta', request),
    dialect: (request) => caller.request('dialect', request),
  })
}

async function answer(context: CallerContext, exchange: Exchange): Promise<Answer> {
  const { method, head, facts } = exchange
  const { path } = facts.target
  let refused: GatewayError | undefined
  const answered = await serveSetec(
    { method, path, contentType: head.contentType, guard: head.guard },
    {
      identify: () => identify(context, facts),
      readBody: async () => {
        try {
          return await exchange.readBody()
        } catch (error) {
          if (GatewayError.is(error)) refused = error
          throw error
        }
      },
    },
  )
  // Of bodies the server half knows only that there is none.
  if (refused !== undefined) return textAnswer(refused.status, refused)
  return told(answered)
}

function told({ status, contentType, body, retryAfterSeconds, cause }: SetecAnswer): Answer {
  const headers = [
    ...(status === 401 ? ['WWW-Authenticate', 'Bearer'] : []),
    ...retryAfter(retryAfterSeconds),
  ]
  return { status, contentType, body, headers, fault: status === 500 ? cause : undefined }
}

/** As setec says failures: a line of text. */
function textAnswer(status: number, error: unknown): Answer {
  const text = GatewayError.is(error) ? error.message : 'internal error'
  return {
    status,
    contentType: 'text/plain; charset=utf-8',
    body: `${text}\n`,
    headers: retryAfter(status === 503 ? 1 : undefined),
  }
}
