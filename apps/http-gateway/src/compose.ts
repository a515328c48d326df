/** One worker's gateway: everything put together, nothing listening yet. */
import type { Logger } from '@secreg/host'
import type { CallerContext } from './caller.ts'
import { Figures } from './figures.ts'
import { type GatewayConfig, shareOf } from './gateway-config.ts'
import { certificateOf } from './identity/forwarded-certificate.ts'
import { createIdentity, createSessionSource } from './identity/identify.ts'
import type { RelayConnection } from './relay/relay.ts'
import { RelayLink } from './relay/relay-link.ts'
import { authzenMetadataRoute } from './routes/authzen-metadata-route.ts'
import { authzenRoute } from './routes/authzen-route.ts'
import { healthRoute, readyRoute } from './routes/health-routes.ts'
import { type FigureSource, metricsRoute } from './routes/metrics-route.ts'
import { openapiRoute } from './routes/openapi.ts'
import { registryRoute } from './routes/registry-route.ts'
import { RouteTable } from './routes/route-table.ts'
import { secretsEventsRoute } from './routes/secrets-events-route.ts'
import { secretsGates } from './routes/secrets-gate.ts'
import { secretsRoutes } from './routes/secrets-route.ts'
import { dashboardRoute, setecRoute } from './routes/setec-route.ts'
import { GatewayServer } from './server/gateway-server.ts'
import type { RequestObserver } from './server/request-observer.ts'
import { readTls } from './server/tls.ts'

export interface GatewayOptions {
  readonly config: GatewayConfig
  readonly log: Logger
  readonly version: string
  /** Begins every request id of this process. */
  readonly idPrefix: string
  readonly connect: () => Promise<RelayConnection>
  /** Figures of all workers; default: of this one. */
  readonly figures?: FigureSource
  /** Told when there are as many connections as may be, and when no longer. */
  readonly onFull?: (full: boolean) => void
  /** Pause between two looks at late requests, milliseconds. */
  readonly checkMs?: number
}

export interface Gateway {
  readonly server: GatewayServer
  readonly figures: Figures
  readonly routes: RouteTable
  /**
   * Finish what is under way and let go of everything.
   *
   * @param timeoutMs - time for what is under way
   */
  close(timeoutMs: number): Promise<void>
}

/** @throws TlsError */
export function composeGateway(options: GatewayOptions): Gateway {
  const { config, log } = options
  const link = new RelayLink({
    connect: options.connect,
    onLost: () => {
      sessions.lost()
      log.warn('the daemon is gone', { file: config.socket })
    },
    onAttempt: (ok, error) => {
      if (ok) log.info('connected to the daemon', { file: config.socket })
      else log.warn('the daemon cannot be reached', { file: config.socket, error })
    },
  })
  const sessions = createSessionSource(link)
  const context: CallerContext = { identity: createIdentity(config.http), sessions, relay: link }
  const figures = new Figures({
    connections: () => server.connections,
    usedBytes: () => server.usedBytes,
    connected: () => link.connected,
    streams: () => events.streams,
  })
  const isDraining = (): boolean => server.draining
  const share = shareOf(config.http)
  const { publicUrl, hostNames, certificateProxies, certificateHeader } = config.http
  const secrets = {
    context,
    publicUrl,
    hostNames: new Set([config.listen.host.toLowerCase(), ...hostNames]),
    certificateOf: certificateOf({ proxies: certificateProxies, header: certificateHeader }),
    gates: secretsGates(),
  }
  const events = secretsEventsRoute({ ...secrets, maxStreams: share.streams })
  const routes = new RouteTable([
    setecRoute(context),
    dashboardRoute(context),
    registryRoute(context),
    ...secretsRoutes(secrets),
    events.route,
    authzenRoute(context),
    authzenMetadataRoute(publicUrl),
    healthRoute(isDraining),
    readyRoute(link, isDraining),
    metricsRoute(context, options.figures ?? ownFigures(figures)),
    openapiRoute(options.version),
  ])
  const server: GatewayServer = new GatewayServer({
    http: config.http,
    share,
    configuredHost: config.listen.host,
    routes,
    observer: observerOf(figures, log),
    idPrefix: options.idPrefix,
    tls: readTls(config.http),
    ...(options.onFull === undefined ? {} : { onFull: options.onFull }),
    ...(options.checkMs === undefined ? {} : { checkMs: options.checkMs }),
  })
  return {
    server,
    figures,
    routes,
    close: async (timeoutMs) => {
      await server.drain(timeoutMs)
      await link.close()
      figures.close()
    },
  }
}

function ownFigures({ registry }: Figures): FigureSource {
  return { contentType: registry.contentType, text: () => registry.metrics() }
}

function observerOf(figures: Figures, log: Logger): RequestObserver {
  return {
    request: ({ id: correlationId, route: detail, status, durationMs, fault }) => {
      figures.request(detail, status, durationMs)
      const fields = { door: 'http', detail, code: String(status), correlationId }
      if (fault !== undefined) log.error('internal fault', { ...fields, error: fault })
      else log.debug('request', { ...fields, durationMs })
    },
    connectionFault: (kind) => {
      figures.connectionFault(kind)
      log.debug('connection refused', { door: 'http', detail: kind })
    },
  }
}
