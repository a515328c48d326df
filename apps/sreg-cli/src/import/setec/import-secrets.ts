/** All secrets of a setec server into the registry, a few at a time. */
import type { RegistryConnection } from '@secreg/client'
import { type Path, SecregError } from '@secreg/protocol'
import type { Client, SecretMetadata } from '@secreg/setec'
import { setecPath } from '@secreg/setec/dialect'
import { isReservedName } from '@secreg/setec/server'
import type { Problem } from './failures.ts'
import { SecretHere } from './secret-here.ts'
import { SecretImport, type SecretOutcome } from './secret-import.ts'

/** Secrets that are worked on at once; of each, one version is in memory. */
const AT_ONCE = 8

export interface ImportSecretsOptions {
  readonly force: boolean
  /** Find out what would be done, and do nothing. */
  readonly dryRun: boolean
  /** Called with the number of versions that were dealt with so far. */
  readonly progress: (versions: number) => void
}

/** A secret that has no place in the registry. */
export interface Unplaced {
  readonly name: string
  readonly key?: undefined
  readonly problem: Problem
}

/** An import of secrets, whose figures can be told while it runs. */
export class SecretsImport {
  readonly #client: Client
  readonly #registry: RegistryConnection
  readonly #options: ImportSecretsOptions
  readonly #stop = new AbortController()
  readonly #total: number
  readonly #left: Iterator<readonly [number, SecretMetadata]>
  readonly #outcomes: (SecretOutcome | Unplaced)[] = []
  #failure: unknown
  #secretsDone = 0
  #versionsDone = 0
  #imported = 0
  readonly #running = new Set<SecretImport>()

  constructor(
    client: Client,
    registry: RegistryConnection,
    secrets: readonly SecretMetadata[],
    options: ImportSecretsOptions,
  ) {
    this.#client = client
    this.#registry = registry
    this.#options = options
    this.#total = secrets.length
    this.#left = secrets.entries()
  }

  /** How far it is, for people; not of a dry run. */
  get state(): string {
    let imported = this.#imported
    for (const { created } of this.#running) imported += created
    return `${this.#secretsDone} of ${this.#total} secrets are done, ${imported} versions were imported`
  }

  /**
   * Import them all, in no order.
   *
   * @returns what became of each, in the order of the list
   * @throws the first error that is not about one secret alone; what was done stays done
   */
  async run(): Promise<readonly (SecretOutcome | Unplaced)[]> {
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work()))
    if (this.#stop.signal.aborted) throw this.#failure
    return this.#outcomes
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { value, done } = this.#left.next()
      if (done === true) return
      const [index, secret] = value
      try {
        this.#outcomes[index] = await this.#one(secret)
        this.#secretsDone++
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#failure = error
        this.#stop.abort(error)
      }
    }
  }

  async #one({ name, versions }: SecretMetadata): Promise<SecretOutcome | Unplaced> {
    const key = placeOf(name)
    if (typeof key !== 'string') {
      this.#advance(versions.length)
      return { name, problem: key }
    }
    let seen = 0
    const { force, dryRun } = this.#options
    const one = new SecretImport(this.#client, new SecretHere(this.#registry, key), name, {
      force,
      dryRun,
      signal: this.#stop.signal,
      onVersion: () => {
        if (++seen <= versions.length) this.#advance(1)
      },
    })
    this.#running.add(one)
    try {
      const outcome = await one.run(key)
      this.#advance(Math.max(0, versions.length - seen))
      return outcome
    } finally {
      this.#running.delete(one)
      this.#imported += one.created
    }
  }

  #advance(versions: number): void {
    this.#versionsDone += versions
    this.#options.progress(this.#versionsDone)
  }
}

function placeOf(name: string): Path | Problem {
  const versions: readonly number[] = []
  if (name === '' || isReservedName(name)) {
    const message = 'setec keeps such a name for itself'
    return { reason: 'INVALID_ARGUMENT', message, versions }
  }
  try {
    return setecPath(name)
  } catch (error) {
    if (!SecregError.is(error)) throw error
    return { reason: error.reason, message: error.message, versions }
  }
}
