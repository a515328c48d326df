/** A registry of its own in a private directory, and the daemon that runs it. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import {
  type Child,
  type ChildOptions,
  createTempHome,
  startChild,
  startNode,
  type TempHome,
} from '@secreg/testkit'
import { Wire } from './wire.ts'

/** The program, as `npx secregd` runs it. */
export const SECREGD: string = fileURLToPath(
  new URL('../../apps/daemon/bin/secregd.js', import.meta.url),
)

export const PASSPHRASE = 'long words that nobody guesses'
export const ADMIN = 'root-of-tests'
export const PASSWORD = 'Correct-Horse-7-Battery'

export interface SiteOptions {
  /** Further tables of the configuration, TOML text; may continue `[security]`, which is the last table. */
  readonly config?: string
  /** Further keys of `[audit]`. */
  readonly audit?: string
  /** Further keys of `[session]`. */
  readonly session?: string
  readonly framing?: 'auto' | 'length'
  /** Directory of the store; default `data` in the home. */
  readonly data?: string
}

export interface StartOptions extends Pick<ChildOptions, 'env' | 'uid' | 'gid'> {
  readonly nodeArgs?: readonly string[]
  /** Another configuration file than the site's. */
  readonly file?: string
  /** Umask in octal digits, set by a shell that then becomes the daemon. */
  readonly umask?: string
}

/** A home with a configuration and no daemon yet. */
export class Site implements AsyncDisposable {
  readonly home: TempHome
  readonly config: string
  readonly socket: string
  readonly data: string
  readonly audit: string
  /** Every daemon that was started here. */
  readonly children: Child[] = []

  constructor(options: SiteOptions = {}) {
    this.home = createTempHome()
    this.socket = this.home.file('s')
    this.data = options.data ?? this.home.file('data')
    this.audit = this.home.file('audit')
    this.config = this.home.file('config.toml')
    this.configure(options)
  }

  configure({ audit = '', config = '', session = '', framing = 'auto' }: SiteOptions = {}): void {
    this.home.write(
      'config.toml',
      `[database]
path = ${JSON.stringify(this.data)}
[socket]
path = ${JSON.stringify(this.socket)}
mode = "0600"
framing = "${framing}"
[audit]
path = ${JSON.stringify(this.audit)}
${audit}
[session]
max_per_user = 1000
${session}
[security]
scrypt_log_n = 15
${config}
`,
    )
  }

  /** Start it and wait until it says that it is ready. */
  async start(options: StartOptions = {}): Promise<Child> {
    const child = this.launch(options)
    await child.line(/"event":"ready"/, { from: 'stderr', timeoutMs: 60_000 })
    return child
  }

  /** Start it and wait for nothing. */
  launch({ nodeArgs = [], umask, file, ...options }: StartOptions = {}): Child {
    const args = ['--config', file ?? this.config]
    const child =
      umask === undefined
        ? startNode(SECREGD, args, { ...options, nodeArgs })
        : startChild(
            '/bin/sh',
            [
              '-c',
              `umask ${umask}; exec "$0" "$@"`,
              process.execPath,
              ...nodeArgs,
              SECREGD,
              ...args,
            ],
            options,
          )
    this.children.push(child)
    return child
  }

  /** Make a registry with an administrator; answers his connection. */
  async initialize(): Promise<Wire> {
    const wire = await Wire.open(this.socket)
    await wire.ok('seal', {
      op: 'init',
      passphrase: PASSPHRASE,
      admin: ADMIN,
      admin_password: PASSWORD,
    })
    await wire.login(ADMIN, PASSWORD)
    return wire
  }

  /** Open a sealed one; answers the administrator's connection. */
  async unlock(): Promise<Wire> {
    const wire = await Wire.open(this.socket)
    await wire.ok('seal', { op: 'unlock', passphrase: PASSPHRASE })
    await wire.login(ADMIN, PASSWORD)
    return wire
  }

  admin(): Promise<Wire> {
    return Wire.login(this.socket, ADMIN, PASSWORD)
  }

  /** Lines of the audit log. */
  records(): AuditLine[] {
    return readLog(this.audit).lines
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children) await child.kill()
    this.home.remove()
  }
}

/** A site whose daemon runs; disposing of it is disposing of the site. */
export interface StartedSite<S extends Site = Site> extends AsyncDisposable {
  readonly site: S
  readonly daemon: Child
  /** Connection of the administrator on the registry socket. */
  readonly admin: Wire
}

/** Make a site, start its daemon and initialise it. */
export function startSite(options: SiteOptions & StartOptions = {}): Promise<StartedSite> {
  return runSite(new Site(options), options)
}

/** Start the daemon of a new site and initialise it; the site is disposed of when that fails. */
export async function runSite<S extends Site>(
  site: S,
  options: StartOptions = {},
): Promise<StartedSite<S>> {
  try {
    const daemon = await site.start(options)
    const admin = await site.initialize()
    return {
      site,
      daemon,
      admin,
      [Symbol.asyncDispose]: async () => {
        admin.close()
        await site[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await site[Symbol.asyncDispose]()
    throw error
  }
}

/** One line of the log, as this project writes it. */
export interface AuditLine {
  readonly seq: number
  readonly time: string
  readonly prev: string
  /** Revision of the commit that it belongs to. */
  readonly rev?: number
  readonly body: {
    readonly action: string
    readonly outcome: string
    readonly reason?: string
    readonly paths: readonly string[]
    readonly versions?: readonly number[]
    readonly detail?: string
    readonly count?: number
    readonly actor: {
      readonly user?: string
      readonly session?: string
      readonly door: string
      readonly address?: string
      readonly proof: string
      readonly token?: string
      readonly principal?: string
      readonly uid?: number
    }
  }
}

/**
 * Read a log and follow its chain: each line names the RFC 6962 leaf hash of the line before it. Closed segments may be
 * compressed, also while this reads.
 *
 * @throws Error at the first line that does not
 */
export function readLog(directory: string): { lines: AuditLine[]; torn: string } {
  if (!existsSync(directory)) return { lines: [], torn: '' }
  const segments = new Set(
    readdirSync(directory).flatMap((name) => /^(\d{8})\.jsonl(?:\.gz)?$/.exec(name)?.[1] ?? []),
  )
  const texts = [...segments]
    .sort()
    .map((segment) => readSegment(`${directory}/${segment}.jsonl`))
    .join('')
    .split('\n')
  const torn = texts.pop() ?? ''
  let prev = '0'.repeat(64)
  const lines = texts.map((text, index) => {
    const line = JSON.parse(text) as AuditLine
    const at = `line ${index + 1} of ${directory}`
    if (line.prev !== prev) throw new Error(`${at}: the chain is broken`)
    if (line.seq !== index + 1) throw new Error(`${at}: has number ${line.seq}`)
    prev = createHash('sha256').update('\0').update(text).digest('hex')
    return line
  })
  return { lines, torn }
}

function readSegment(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // Compressed since the names were read, or before.
    return gunzipSync(readFileSync(`${path}.gz`)).toString()
  }
}
