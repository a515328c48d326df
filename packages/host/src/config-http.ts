/** Keys of the gateway: what the daemon grants it (`gateway`), and what it does itself (`http`). */
import { ASSERTION } from './assertion.ts'
import {
  type ConfigRow,
  flag,
  GROUP,
  integer,
  list,
  optional,
  PATH,
  SOCKET_PATH,
  text,
  USER,
} from './config-row.ts'
import type { ConfigSections } from './config-values.ts'
import {
  ADDRESS_RANGE,
  HEADER_NAME,
  HOST_NAME,
  HTTP_ADDRESS,
  HTTPS_ORIGIN,
} from './http-address.ts'

type Rows<S extends keyof ConfigSections> = {
  readonly [F in keyof ConfigSections[S]]-?: ConfigRow<ConfigSections[S][F]>
}

const KIB = 1024
const MIB = KIB * KIB
const GIB = KIB * MIB
const HOUR = 3600

export const GATEWAY_ROWS: Rows<'gateway'> = {
  socket: text(
    'gateway.socket',
    undefined,
    optional(SOCKET_PATH, false),
    'Unix socket that the daemon serves gateways on',
  ),
  group: text(
    'gateway.group',
    undefined,
    optional(GROUP, false),
    'Group that may connect to it; without one, only the user of the daemon',
  ),
  user: text(
    'gateway.user',
    undefined,
    optional(USER, false),
    'User that the gateway runs as: nobody else may connect to it; without one, what the user of the daemon asserts is believed',
  ),
  sessionSeconds: integer(
    'gateway.session',
    [300, 1, 300],
    'seconds',
    'Age at which a session that a gateway opened ends',
  ),
  mayAssert: list(
    'gateway.may_assert',
    ASSERTION,
    10_000,
    'Who gateways may say that a caller is, without a credential of his, and whose account that is',
  ),
  supervise: flag(
    'gateway.supervise',
    false,
    'Start secreg-gateway with the daemon, as the same user, and again when it ends',
  ),
}

export const HTTP_ROWS: Rows<'http'> = {
  listen: text('http.listen', undefined, optional(HTTP_ADDRESS, false), 'Where HTTP is served'),
  workers: integer(
    'http.workers',
    [0, 0, 64],
    '',
    'Processes that serve; 0 is one for each core, at most 8',
  ),
  tlsCert: text(
    'http.tls_cert',
    undefined,
    optional(PATH, false),
    'Certificate chain in PEM; with it, HTTPS is served',
  ),
  tlsKey: text('http.tls_key', undefined, optional(PATH, true), 'Its private key in PEM'),
  tlsClientCa: text(
    'http.tls_client_ca',
    undefined,
    optional(PATH, false),
    'Authorities of client certificates; with it, who shows one that they issued is asserted by it',
  ),
  tlsClientRequired: flag(
    'http.tls_client_required',
    false,
    'Serve nobody who shows no client certificate',
  ),
  hostNames: list(
    'http.host_names',
    HOST_NAME,
    64,
    'Names in the header Host that are served beside its own, where a proxy on this machine stands in front',
  ),
  publicUrl: text(
    'http.public_url',
    undefined,
    optional(HTTPS_ORIGIN, false),
    'Where clients reach it, as it is told to them; without one, what they have asked for',
  ),
  certificateProxies: list(
    'http.certificate_proxies',
    ADDRESS_RANGE,
    64,
    'Proxies that end TLS and say which certificate a client has shown, for tokens of the Secrets API that are bound to one',
  ),
  certificateHeader: text(
    'http.certificate_header',
    'X-Forwarded-Tls-Client-Cert',
    HEADER_NAME,
    'Header in which they say it, and which they take away from clients',
  ),
  maxConnections: integer(
    'http.max_connections',
    [10_240, 1, 1_000_000],
    '',
    'Connections of all workers together',
  ),
  maxHeaderBytes: integer(
    'http.max_header',
    [16 * KIB, KIB, MIB],
    'bytes',
    'Size of the request line and headers of a request',
  ),
  maxBodyBytes: integer(
    'http.max_body',
    [2 * MIB, KIB, 64 * MIB],
    'bytes',
    'Size of the body of a request',
  ),
  headerTimeoutSeconds: integer(
    'http.header_timeout',
    [10, 1, HOUR],
    'seconds',
    'Time within which the headers of a request that has begun must be complete',
  ),
  bodyTimeoutSeconds: integer(
    'http.body_timeout',
    [30, 1, HOUR],
    'seconds',
    'Time within which a request that has begun must be complete',
  ),
  idleTimeoutSeconds: integer(
    'http.idle_timeout',
    [75, 1, 24 * HOUR],
    'seconds',
    'Time after which a connection without a request is closed',
  ),
  drainSeconds: integer(
    'http.drain',
    [5, 0, HOUR],
    'seconds',
    'Time that requests under way have to end when it stops',
  ),
  bufferBytes: integer(
    'http.buffer_bytes',
    [64 * MIB, 4 * MIB, 64 * GIB],
    'bytes',
    'Memory for bodies and for answers that are not taken, of all workers together',
  ),
  tailscaleWhois: text(
    'http.tailscale_whois',
    undefined,
    optional(SOCKET_PATH, false),
    'Socket of tailscaled, which is asked who a peer address is',
  ),
  tailscaleServe: flag(
    'http.tailscale_serve',
    false,
    'Believe the identity headers of tailscale serve, on connections from this machine',
  ),
}
