/** A daemon in this process, over real files and a real socket. */
import { statfsSync } from 'node:fs'
import { connectRegistry, type RegistryConnection } from '@secreg/client'
import { type Config, createLogger, parseConfig } from '@secreg/host'
import { createTempHome, type TempHome } from '@secreg/testkit'
import { onTestFinished } from 'vitest'
import { type ComposeOptions, compose, type Daemon } from '../src/compose.ts'

export const ADMIN = 'root-of-tests'
export const PASSWORD = 'Correct-Horse-7-Battery'
export const PASSPHRASE = 'long words that nobody guesses'

export interface RunningDaemon {
  readonly home: TempHome
  readonly daemon: Daemon
  readonly socket: string
  /** Lines of its log. */
  readonly lines: readonly { readonly event: string; readonly level: string }[]
  /** Its configuration with further lines. */
  configOf(more: string): Config
  connect(): Promise<RegistryConnection>
  /** Make a registry with an administrator; answers his connection. */
  initialize(): Promise<RegistryConnection>
}

/** @param more - further lines of the configuration; `HOME` is the directory of the daemon. */
export async function runDaemon(
  more = '',
  options: Pick<ComposeOptions, 'kernel' | 'secrets' | 'users'> = {},
): Promise<RunningDaemon> {
  const home = createTempHome()
  const socket = home.file('s')
  const configOf = (lines: string): Config =>
    parseConfig(
      `database.path = "${home.file('data')}"
audit.path = "${home.file('audit')}"
socket.path = "${socket}"
security.scrypt_log_n = 15
${lines.replaceAll('HOME', home.path)}`,
      'config.toml',
    ).config
  const lines: { event: string; level: string }[] = []
  const log = createLogger({
    name: 'test',
    destination: { write: (line) => lines.push(JSON.parse(line)) },
  })
  const config = configOf(more)
  const daemon = await compose({ ...options, config, file: '/nowhere', log, version: '1.2.3' })
  const open: RegistryConnection[] = []
  onTestFinished(async () => {
    for (const connection of open) await connection.close()
    await daemon.close()
    home.remove()
  })
  const connect = async (): Promise<RegistryConnection> => {
    const connection = await connectRegistry({ socket })
    open.push(connection)
    return connection
  }
  const initialize = async (): Promise<RegistryConnection> => {
    const connection = await connect()
    await connection.seal({
      op: 'init',
      passphrase: PASSPHRASE,
      admin: ADMIN,
      admin_password: PASSWORD,
    })
    await connection.auth({ username: ADMIN, password: PASSWORD })
    return connection
  }
  return { home, daemon, socket, lines, configOf, connect, initialize }
}

/** Room on the file system of a path, bytes. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}
