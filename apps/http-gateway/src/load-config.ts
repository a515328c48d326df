/** The configuration file, which is that of the daemon, checked as far as the gateway can. */
import { ConfigError, loadConfig, parseHttpAddress } from '@secreg/host'
import type { GatewayConfig } from './gateway-config.ts'
import { readTls } from './server/tls.ts'

/** Where it is unless told otherwise. */
export const DEFAULT_CONFIG = '/etc/secreg/config.toml'

/**
 * Read a configuration file and the certificates that it names.
 *
 * @throws ConfigError, TlsError
 */
export function load(file: string): GatewayConfig {
  const loaded = loadConfig(file)
  const { http, gateway, log } = loaded.config
  const refuse = (key: Parameters<typeof loaded.fault>[0], message: string): never => {
    throw new ConfigError([loaded.fault(key, message)])
  }
  if (http.listen === undefined) {
    return refuse('http.listen', 'http.listen: expected "HOST:PORT", got nothing')
  }
  const listen = parseHttpAddress(http.listen)
  if (listen === undefined) {
    return refuse('http.listen', 'http.listen: expected "HOST:PORT" with a port up to 65535')
  }
  if (gateway.socket === undefined) {
    return refuse('gateway.socket', 'gateway.socket: expected the path of a socket, got nothing')
  }
  readTls(http)
  return { http, listen, socket: gateway.socket, logLevel: log.level }
}
