/** The configuration file of a development home. */
import { join } from 'node:path'
import { nativeProblem } from '@secreg/unix-socket'
import { gatewayProgram } from './gateway/gateway-program.ts'

/** First line of the file, by which it is known to be of our making. */
const MADE = '# Made by secregd --dev, for development only.'

/** The whole file. */
export function devConfig(directory: string): string {
  const at = (name: string) => JSON.stringify(join(directory, name))
  const base = `${MADE}

[database]
path = ${at('data')}

[socket]
path = ${at('registry.sock')}
mode = "0600"

[audit]
path = ${at('audit')}

[security]
# The least cost that is accepted: quick starts matter more here than a stolen disk.
scrypt_log_n = 15
`
  return withMissing(base, directory)
}

/**
 * The same with the doors that a home of before does not have yet, unless its owner has written something of his own
 * about them.
 */
export function withMissing(text: string, directory: string): string {
  if (!text.startsWith(MADE)) return text
  const missing = DOORS.filter(({ known }) => !known.test(text))
  return text + missing.map((door) => door.text(directory)).join('')
}

interface DevDoor {
  /** There is something about it. */
  readonly known: RegExp
  /** Empty where it cannot be served. */
  readonly text: (directory: string) => string
}

const DOORS: readonly DevDoor[] = [
  { known: /^\s*\[\s*(?:gateway|http|log)\s*\]/m, text: gatewayText },
  { known: /^\s*\[+\s*(?:subauth|zones)\s*[.\]]/m, text: zonesText },
  { known: /^\s*\[\s*libvirt\s*\]/m, text: libvirtText },
  { known: /^\s*\[\s*secrets\s*[.\]]/m, text: secretsText },
]

/** One process more, and a port of this machine that the system chooses; where the gateway is installed. */
function gatewayText(directory: string): string {
  if (gatewayProgram() === undefined) return ''
  return `
[gateway]
socket = ${JSON.stringify(join(directory, 'gateway.sock'))}
supervise = true

[http]
listen = "127.0.0.1:0"
workers = 1

[log]
level = "warn"
`
}

/** The subauth socket, where the native part that it needs is there, and a zone in which everything is allowed. */
function zonesText(directory: string): string {
  if (nativeProblem() !== undefined) return ''
  return `
[subauth]
socket = ${JSON.stringify(join(directory, 'subauth.sock'))}
mode = "0600"

[zones.dev]
desc = "Development"
allow_passwd = true
allow_tokens = true
allow_passwd_auth = true
max_temp_validity = 3600
auto_create = true
http = true
`
}

/** The sockets for clients of libvirt, where the native part that they need is there. */
function libvirtText(directory: string): string {
  if (nativeProblem() !== undefined) return ''
  return `
[libvirt]
socket = ${JSON.stringify(join(directory, 'libvirt.sock'))}
socket_read_only = ${JSON.stringify(join(directory, 'libvirt-ro.sock'))}
`
}

/** The Secrets API, with secrets in a file of the home, which its first write makes. */
function secretsText(directory: string): string {
  return `
[secrets]
enabled = true
environment = "dev"
tenant_id = "dev"
allowed_mounts = ["secret"]
yaml_path = ${JSON.stringify(join(directory, 'secrets.yaml'))}
`
}
