/** What `security check` looks at on the machine: owners and modes of the daemon's files. */
import { lstat, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '@secreg/host'
import type { SecurityFinding } from '@secreg/protocol'
import { libvirtFindings } from './libvirt/libvirt-findings.ts'
import { helperFindings } from './pam/helper-finding.ts'
import { type KernelWord, WITHOUT_KERNEL_WORD } from './server/kernel-word.ts'
import { modeFinding } from './server/mode-finding.ts'
import { subauthFindings } from './subauth/subauth-findings.ts'

/** Check the data and audit directories with everything in them, and the sockets. */
export async function hostChecks(
  config: Config,
  kernel: KernelWord,
): Promise<readonly SecurityFinding[]> {
  return [
    await directoryFinding('database', config.database.path),
    await directoryFinding('audit', config.audit.path),
    await socketFinding(config),
    ...(await Promise.all(socketDirectories(config).map(socketDirectoryFinding))),
    ...(await subauthFindings(config)),
    ...(await libvirtFindings(config)),
    kernelFinding(kernel),
    ...gatewayFindings(config),
    coreFinding(),
    ...(await helperFindings(config.pam)),
  ]
}

async function directoryFinding(check: string, path: string): Promise<SecurityFinding> {
  const open: string[] = []
  try {
    const own = await lstat(path)
    if (!own.isDirectory() || (own.mode & 0o077) !== 0 || own.uid !== process.geteuid?.())
      open.push(path)
    for (const name of await readdir(path)) {
      const file = join(path, name)
      const facts = await lstat(file).catch(() => undefined)
      if (facts === undefined) continue
      if ((facts.mode & 0o077) !== 0 || facts.uid !== own.uid || facts.isSymbolicLink())
        open.push(file)
    }
  } catch {
    const advice = 'see that the directory is there and belongs to the user of the daemon'
    return { check, level: 'fault', message: `${path} cannot be read`, advice }
  }
  return open.length === 0
    ? { check, level: 'ok', message: `${path} is private to this user` }
    : {
        check,
        level: 'fault',
        message: `not private to this user: ${open.slice(0, 5).join(', ')}`,
        advice: 'chmod go= them, and chown them to the user of the daemon; see who has read them',
      }
}

async function socketFinding({ socket: { path, mode } }: Config): Promise<SecurityFinding> {
  const found = await modeFinding('socket', path, mode)
  if (found.level !== 'ok' || (mode & 0o007) === 0) return found
  return {
    ...found,
    level: 'warning',
    message: `${found.message}: every local user can connect`,
    advice: 'set socket.mode to "0660" and socket.group to the group of its users',
  }
}

function socketDirectories({ libvirt, socket, subauth }: Config): string[] {
  const paths = [socket.path, subauth.socket, libvirt.socket, libvirt.socketReadOnly]
  return [...new Set(paths.flatMap((path) => (path === undefined ? [] : [dirname(path)])))]
}

/** Who may write there can put another socket in its place. */
async function socketDirectoryFinding(path: string): Promise<SecurityFinding> {
  const check = 'socket directory'
  const facts = await stat(path).catch(() => undefined)
  if (facts === undefined) {
    const advice = 'make it, and start the daemon again'
    return { check, level: 'fault', message: `${path} is not there`, advice }
  }
  const isOurs = facts.uid === 0 || facts.uid === process.geteuid?.()
  const isSticky = (facts.mode & 0o1000) !== 0
  if (isOurs && (isSticky || (facts.mode & 0o022) === 0)) {
    return { check, level: 'ok', message: `nobody else can put a socket into ${path}` }
  }
  const message = `others can put a socket of their own into ${path}`
  const advice = 'chmod go-w it, and chown it to root or the user of the daemon'
  return { check, level: 'fault', message, advice }
}

function kernelFinding({ problem }: KernelWord): SecurityFinding {
  const check = 'peer credentials'
  return problem === undefined
    ? { check, level: 'ok', message: 'the kernel says which user each local client is' }
    : { check, level: 'warning', message: WITHOUT_KERNEL_WORD, advice: problem }
}

/** Who else may open the socket of gateways passes for one, except that nobody believes what he asserts. */
function gatewayFindings({ gateway }: Config): SecurityFinding[] {
  if (gateway.socket === undefined) return []
  const check = 'gateway'
  if (gateway.user !== undefined) {
    return [{ check, level: 'ok', message: `only ${gateway.user} can be a gateway` }]
  }
  if (gateway.group === undefined) {
    return [{ check, level: 'ok', message: 'only the user of the daemon can be a gateway' }]
  }
  const message = `whoever is in the group ${gateway.group} can be a gateway`
  const advice = 'set gateway.user to the user that secreg-gateway runs as'
  return [{ check, level: 'warning', message, advice }]
}

function coreFinding(): SecurityFinding {
  const check = 'process'
  return process.execArgv.length === 0
    ? { check, level: 'ok', message: `runs as uid ${process.geteuid?.()}` }
    : {
        check,
        level: 'warning',
        message: 'runs with options of Node.js',
        advice: 'start it without them',
      }
}
