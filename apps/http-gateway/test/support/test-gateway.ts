/** A gateway of this process, on a port of its own, over a relay of the test. */
import { createLogger, type LogLevel } from '@secreg/host'
import { composeGateway, type Gateway } from '../../src/compose.ts'
import type { HttpConfig } from '../../src/gateway-config.ts'
import { FakeRelay } from './fake-relay.ts'

export const HTTP_DEFAULTS: HttpConfig = {
  listen: '127.0.0.1:0',
  workers: 1,
  tlsCert: undefined,
  tlsKey: undefined,
  tlsClientCa: undefined,
  tlsClientRequired: false,
  hostNames: [],
  publicUrl: undefined,
  certificateProxies: [],
  certificateHeader: 'X-Forwarded-Tls-Client-Cert',
  maxConnections: 1000,
  maxHeaderBytes: 16 * 1024,
  maxBodyBytes: 2 * 1024 * 1024,
  headerTimeoutSeconds: 10,
  bodyTimeoutSeconds: 30,
  idleTimeoutSeconds: 75,
  drainSeconds: 5,
  bufferBytes: 64 * 1024 * 1024,
  tailscaleWhois: undefined,
  tailscaleServe: false,
}

export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway
  readonly relay: FakeRelay
  readonly port: number
  /** Lines of the log. */
  readonly log: readonly string[]
}

export interface TestGatewayOptions {
  readonly http?: Partial<HttpConfig>
  readonly level?: LogLevel
  readonly connect?: () => Promise<FakeRelay>
}

export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const log: string[] = []
  const relay = new FakeRelay()
  const http = { ...HTTP_DEFAULTS, ...options.http }
  const gateway = composeGateway({
    config: {
      http,
      listen: { host: '127.0.0.1', port: 0 },
      socket: '/nowhere/gateway.sock',
      logLevel: options.level ?? 'trace',
    },
    log: createLogger({
      name: 'test',
      level: options.level ?? 'trace',
      destination: { write: (line) => log.push(line) },
    }),
    version: '0.0.0',
    idPrefix: 'test',
    connect: options.connect ?? (async () => relay),
    checkMs: 20,
  })
  const { port } = await gateway.server.listen({ host: '127.0.0.1', port: 0 })
  return { gateway, relay, port, log, [Symbol.asyncDispose]: () => gateway.close(0) }
}
