/** The Secrets API of this daemon: on, off or set up otherwise as the configuration says. */
import { isDeepStrictEqual } from 'node:util'
import type { OpenSecretsApi, ServeSecretsApiOptions } from './open-secrets-api.ts'
import type { SecretsApiSettings } from './settings.ts'

/** Time for what is under way when other settings come, milliseconds. */
const RETIRE_MS = 5000

/** What is served while a daemon runs. */
export class ServedSecretsApi {
  readonly #options: ServeSecretsApiOptions
  #settings: SecretsApiSettings | undefined
  #open: OpenSecretsApi | undefined

  constructor(options: ServeSecretsApiOptions) {
    this.#options = options
  }

  /**
   * Serve it by these settings from now on; undefined: not at all. What is under way by
   * others has a few seconds to end.
   *
   * @throws RangeError, TypeError for settings that are none
   */
  async configure(settings: SecretsApiSettings | undefined): Promise<void> {
    if (isDeepStrictEqual(settings, this.#settings)) return
    const next = settings === undefined ? undefined : await open(settings, this.#options)
    const before = this.#open
    this.#settings = settings
    this.#open = next
    this.#options.host.secretsApi = next
    if (settings?.requireAuth === false) {
      this.#options.log.warn('the Secrets API serves callers who show nothing: anonymous', {
        detail: settings.authorization ? 'policies decide' : 'they may do everything',
      })
    }
    await before?.retire(RETIRE_MS)
  }

  /** End what waits, and what is under way elsewhere. */
  async close(): Promise<void> {
    await this.#open?.close()
  }
}

/** What serves it is loaded where it is on: every start would pay for it. */
async function open(
  settings: SecretsApiSettings,
  options: ServeSecretsApiOptions,
): Promise<OpenSecretsApi> {
  const { OpenSecretsApi } = await import('./open-secrets-api.ts')
  return OpenSecretsApi.open(settings, options)
}
