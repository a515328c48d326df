/** The registry that the doors talk to: opened here, and replaced as a whole by `init --force`. */
import { existsSync, renameSync } from 'node:fs'
import type { Credential } from '@secreg/crypto'
import type { Config } from '@secreg/host'
import {
  type BackupSchedule,
  type Caller,
  type SealResponse,
  SecregError,
  type StatusResponse,
} from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import type { Peer, Registry } from '@secreg/registry'
import type { SessionHandle } from '@secreg/zones'
import { applyConfiguredZones } from './configured-zones.ts'
import { DiskSpace } from './disk-space.ts'
import { Egress } from './egress/egress-process.ts'
import { FaultRing } from './fault-ring.ts'
import { DaemonMetrics } from './metrics.ts'
import {
  type HostFigures,
  type LiveOptions,
  type Opened,
  openConfigured,
  type RegistryHostOptions,
  settingsOf,
} from './open-configured.ts'
import { createSystemLogin, type SystemLogin } from './pam/system-login.ts'
import type { SecretsApi } from './secrets-api/secrets-api.ts'
import { Admission } from './server/admission.ts'

export type { HostFigures, RegistryHostOptions } from './open-configured.ts'

/** A connection's session handle, and the registry that it belongs to. */
export interface HostSessionHandle {
  readonly registry: Registry
  readonly handle: SessionHandle
}

/** Who asks for the figures that are served beside the doors; no policy is asked for it. */
const SCRAPER: Caller = Object.freeze({
  principals: [],
  roles: [],
  groups: [],
  mfa: false,
  door: 'internal',
  address: 'metrics',
  proof: 'kernel',
})

export class RegistryHost {
  readonly version: string
  /** Who may ask at all, by the room on the disk of the audit log. */
  readonly admission: Admission
  /** Undefined where it is not on. */
  secretsApi: SecretsApi | undefined
  readonly #options: LiveOptions
  #config: Config
  #opened: Opened
  #replacing = false

  private constructor(options: LiveOptions, opened: Opened) {
    this.#options = options
    this.#config = options.config
    this.#opened = opened
    this.version = options.version
    this.admission = new Admission({
      level: () => options.space.level,
      record: (peer, count) => this.registry.noteRefused(peer, count),
    })
  }

  /** Open store, log and registry as configured; it is sealed or uninitialised then. */
  static async open(options: RegistryHostOptions): Promise<RegistryHost> {
    const live = { config: options.config, figures: () => ({}), backups: () => undefined }
    const { config, log, version } = options
    let looked: () => void = () => {}
    let egress: Egress | undefined
    const all: LiveOptions = {
      ...options,
      faults: new FaultRing(),
      metrics: new DaemonMetrics({ version }),
      space: new DiskSpace({ settings: config, log, looked: () => looked() }),
      systemLogin: systemLoginOf(options),
      egress: () =>
        (egress ??= new Egress({ onEnd: () => log.warn('the egress child has ended') })),
      closeEgress: async () => egress?.close(),
      live,
    }
    try {
      await all.systemLogin?.check()
      const host = new RegistryHost(all, await openConfigured(all, config))
      looked = () => host.admission.tick()
      await all.space.look()
      return host
    } catch (error) {
      all.space.close()
      throw error
    }
  }

  /** Does the work towards the outside. */
  get egress(): Egress {
    return this.#options.egress()
  }

  /** Counts what the Secrets API does. */
  get secretsObserver(): DaemonMetrics['secrets'] {
    return this.#options.metrics.secrets
  }

  /** Counts what the doors are asked. */
  get operations(): DaemonMetrics['operations'] {
    return this.#options.metrics.operations
  }

  /** Media type of {@link metricsText}. */
  get metricsType(): string {
    return this.#options.metrics.contentType
  }

  /** All figures in the text format of Prometheus, whatever the state of the registry. */
  async metricsText(): Promise<string> {
    const { metrics, space } = this.#options
    const status = { ...this.registry.status(SCRAPER), ...this.#figures() }
    return metrics.text(status, space.room)
  }

  get figures(): HostFigures {
    return this.#options.live.figures
  }

  set figures(figures: HostFigures) {
    this.#options.live.figures = figures
  }

  /** What the schedule of backups does. */
  set backupSchedule(schedule: () => BackupSchedule | undefined) {
    this.#options.live.backups = schedule
  }

  get registry(): Registry {
    return this.#opened.registry
  }

  /** @param known - the handle of the same peer from before */
  sessionHandle(peer: Peer, known?: HostSessionHandle): HostSessionHandle {
    if (known?.registry === this.registry) return known
    return { registry: this.registry, handle: this.registry.sessionHandle(peer) }
  }

  /** Unseal without a person: by key file or systemd credential. */
  async unlock(credential: Credential): Promise<SealResponse> {
    const peer = { door: 'internal', address: 'start' } as const
    return this.#unsealed(await this.registry.unlock(peer, credential))
  }

  /** Unseal as a request says. */
  async unlockBy(
    peer: Peer,
    request: Extract<RequestOf<'seal'>, { op: 'unlock' }>,
  ): Promise<SealResponse> {
    return this.#unsealed(await this.registry.unlockBy(peer, request))
  }

  /** Answer once what could not be done while it was sealed is done. */
  async #unsealed(answer: SealResponse): Promise<SealResponse> {
    await this.#applyZones()
    return answer
  }

  #applyZones(): Promise<void> {
    return applyConfiguredZones(this.registry, this.#config, this.#options.log)
  }

  /**
   * Take what a reloaded configuration may change while the registry runs.
   *
   * @returns when its zones hold; everything else does at once
   */
  async configure(config: Config): Promise<void> {
    this.#config = config
    this.#options.live.config = config
    this.#options.space.configure(config)
    this.registry.configure(settingsOf(config))
    await this.#applyZones()
  }

  status(caller: Caller | undefined): StatusResponse {
    const status = this.registry.status(caller)
    if (caller === undefined) return status
    const { socket, database, audit } = this.#config
    return {
      ...status,
      ...this.#figures(),
      socket: socket.path,
      database: database.path,
      audit: audit.path,
    }
  }

  /** Initialise; with `force`, move an existing registry and its log aside first (specs: row 42). */
  async initialize(
    peer: Peer,
    caller: Caller | undefined,
    request: Extract<RequestOf<'seal'>, { op: 'init' }>,
  ): Promise<SealResponse> {
    if (this.#replacing) throw new SecregError('BUSY', 'the registry is being replaced')
    if (request.force !== true || this.registry.state === 'uninitialized') {
      return this.#unsealed(await this.registry.initialize(peer, request))
    }
    if (caller === undefined) {
      throw new SecregError('AUTH_REQUIRED', 'log in as an administrator to replace the registry')
    }
    await this.registry.authorizeReplacement(caller, request)
    this.#replacing = true
    try {
      await this.#closeOpened()
      const suffix = `.replaced-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`
      const { database, audit } = this.#config
      for (const path of [database.path, audit.path]) {
        if (existsSync(path)) renameSync(path, path + suffix)
      }
      this.#options.log.warn('the registry was moved aside', { file: database.path + suffix })
      this.#opened = await openConfigured(this.#options, this.#config)
    } finally {
      this.#replacing = false
    }
    return this.#unsealed(await this.registry.initialize(peer, request))
  }

  #figures(): ReturnType<HostFigures> {
    const { status } = this.#opened.sinks
    return { ...this.figures(), ...(status.length === 0 ? {} : { sinks: status }) }
  }

  /** What reads the log ends before the log does. */
  async #closeOpened(): Promise<void> {
    await this.#opened.sinks.close()
    await this.#opened.registry.close()
  }

  async close(): Promise<void> {
    this.#options.systemLogin?.close()
    this.#options.space.close()
    await this.#opened.sinks.close()
    await Promise.all([this.#opened.registry.close(), this.#options.closeEgress()])
    this.#options.metrics.close()
  }
}

function systemLoginOf({ config, log }: RegistryHostOptions): SystemLogin | undefined {
  if (config.pam.helper === undefined) return undefined
  return createSystemLogin({ settings: config.pam, log })
}
