/** The configuration file, checked as far as the daemon can. */
import { ConfigError, type LoadedConfig, loadConfig, parseAssertion } from '@secreg/host'
import { parsePrefix, SecregError } from '@secreg/protocol'
import { isWithin } from './is-within.ts'

/** Where it is unless told otherwise. */
export const DEFAULT_CONFIG = '/etc/secreg/config.toml'

/** Check a configuration file as a start would. @throws ConfigError */
export function load(file: string): LoadedConfig {
  const loaded = loadConfig(file)
  const { backup, database, audit, libvirt, metrics, security, subauth } = loaded.config
  for (const [name, prefixes] of [
    ['security.encrypt_prefixes', security.encryptPrefixes],
    ['audit.value_hash_prefixes', audit.valueHashPrefixes],
  ] as const) {
    for (const prefix of prefixes) {
      try {
        parsePrefix(prefix)
      } catch (error) {
        const message = SecregError.is(error) ? error.message : 'invalid'
        throw new ConfigError([loaded.fault(name, message)])
      }
    }
  }
  for (const [name, place] of [
    ['backup.directory', backup.directory],
    ['subauth.socket', subauth.socket],
    ['libvirt.socket', libvirt.socket],
    ['libvirt.socket_read_only', libvirt.socketReadOnly],
    ['metrics.listen', metrics.listen?.startsWith('/') === true ? metrics.listen : undefined],
  ] as const) {
    for (const [key, path] of [
      ['database.path', database.path],
      ['audit.path', audit.path],
    ] as const) {
      // Store and log own what is in theirs.
      if (place === undefined || !isWithin(place, path)) continue
      throw new ConfigError([loaded.fault(name, `${name}: expected a place outside of ${key}`)])
    }
  }
  checkKafka(loaded)
  checkSockets(loaded)
  checkGateway(loaded)
  return loaded
}

/** A login that is half given would be none at all, and a password goes in the clear to nobody but this machine. */
function checkKafka(loaded: LoadedConfig): void {
  const { brokers, tls, saslMechanism, username, passwordFile } = loaded.config.kafka
  const parts = [saslMechanism, username, passwordFile]
  const given = parts.filter((part) => part !== undefined).length
  if (given !== 0 && given !== parts.length) {
    const name = 'kafka.sasl_mechanism'
    const message = `${name}: expected all or none of it, kafka.username and kafka.password_file`
    throw new ConfigError([loaded.fault(name, message)])
  }
  if (given > 0 && !tls && !brokers.every(isLoopback)) {
    const message = 'kafka.tls: expected true where a password is sent to another machine'
    throw new ConfigError([loaded.fault('kafka.tls', message)])
  }
}

/** Two doors at one path would be one, and which one by chance. */
function checkSockets(loaded: LoadedConfig): void {
  const { gateway, libvirt, metrics, socket, subauth } = loaded.config
  const sockets = [
    ['socket.path', socket.path],
    ['gateway.socket', gateway.socket],
    ['metrics.listen', metrics.listen],
    ['subauth.socket', subauth.socket],
    ['libvirt.socket', libvirt.socket],
    ['libvirt.socket_read_only', libvirt.socketReadOnly],
  ] as const
  const taken = new Map<string, string>()
  for (const [key, path] of sockets) {
    if (path === undefined) continue
    const other = taken.get(path)
    if (other !== undefined) {
      const message = `${key}: expected another socket than ${other}`
      throw new ConfigError([loaded.fault(key, message)])
    }
    taken.set(path, key)
  }
}

/** A principal that stands for two accounts would be nobody, and a gateway that is to be started must be able to work. */
function checkGateway(loaded: LoadedConfig): void {
  const { gateway, http } = loaded.config
  const refuse = (name: string, message: string): never => {
    throw new ConfigError([loaded.fault(name, `${name}: ${message}`)])
  }
  if (gateway.supervise && (gateway.socket === undefined || http.listen === undefined)) {
    refuse('gateway.supervise', 'expected gateway.socket and http.listen with it')
  }
  const logins = new Map<string, string>()
  for (const text of gateway.mayAssert) {
    const rule = parseAssertion(text)
    if (rule === undefined) continue
    const known = logins.get(rule.principal)
    if (known !== undefined && known !== rule.login) {
      refuse('gateway.may_assert', `expected one account for ${rule.principal}`)
    }
    logins.set(rule.principal, rule.login)
  }
}

function isLoopback(broker: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):/.test(broker)
}
