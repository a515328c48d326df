/** `GET /metrics`: the figures of the gateway, for whom the registry would show its own. */
import { Caller, type CallerContext } from '../caller.ts'
import type { Answer } from '../server/answer.ts'
import { refuseOrigin } from './registry-route.ts'
import type { Exchange, Route } from './route.ts'

/** Figures of all workers. */
export interface FigureSource {
  /** Media type of the text. */
  readonly contentType: string
  /** Text format of Prometheus. @throws when not every worker answers in time */
  text(): Promise<string>
}

export function metricsRoute(context: CallerContext, figures: FigureSource): Route {
  return {
    name: 'metrics',
    path: '/metrics',
    methods: ['GET'],
    answer: (exchange) => answer(context, figures, exchange),
  }
}

async function answer(
  context: CallerContext,
  figures: FigureSource,
  exchange: Exchange,
): Promise<Answer> {
  refuseOrigin(exchange)
  const caller = await Caller.identify(context, exchange.facts)
  // Only whether he may is of interest: the daemon serves its figures itself.
  await caller.request('maintain', { op: 'metrics' })
  return { status: 200, contentType: figures.contentType, body: await figures.text() }
}
