/** All secrets of libvirt's directory into the registry, a few at a time. */
import type { RegistryConnection } from '@secreg/client'
import type { SecretDefinition } from '@secreg/libvirt'
import { secretPath, usageKey } from '@secreg/libvirt/dialect'
import { conflict, type Problem } from './failures.ts'
import type { SecretThere } from './read-directory.ts'
import { SecretHere } from './secret-here.ts'
import { importSecret, type SecretImportOptions, type SecretOutcome } from './secret-import.ts'

/** Secrets that are worked on at once. */
const AT_ONCE = 8

export interface ImportSecretsOptions extends SecretImportOptions {
  /** Called with the number of secrets that were dealt with so far. */
  readonly progress: (secrets: number) => void
}

/** An import of secrets, whose figures can be told while it runs. */
export class SecretsImport {
  readonly #registry: RegistryConnection
  readonly #options: ImportSecretsOptions
  readonly #secrets: readonly SecretThere[]
  readonly #shared: ReadonlyMap<string, Problem>
  readonly #left: Iterator<readonly [number, SecretThere]>
  readonly #outcomes: SecretOutcome[] = []
  #failure: { readonly error: unknown } | undefined
  #done = 0
  #written = 0

  constructor(
    registry: RegistryConnection,
    secrets: readonly SecretThere[],
    options: ImportSecretsOptions,
  ) {
    this.#registry = registry
    this.#options = options
    this.#secrets = secrets
    this.#shared = sharedUses(secrets.map(({ definition }) => definition))
    this.#left = secrets.entries()
  }

  /** How far it is, for people; not of a dry run. */
  get state(): string {
    return `${this.#done} of ${this.#secrets.length} secrets are done, ${this.#written} were written`
  }

  /**
   * Import them all, in no order.
   *
   * @returns what became of each, in the order of the directory
   * @throws the first error that is not about one secret alone; what was done stays done
   */
  async run(): Promise<readonly SecretOutcome[]> {
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#work()))
    if (this.#failure !== undefined) throw this.#failure.error
    return this.#outcomes
  }

  async #work(): Promise<void> {
    while (this.#failure === undefined) {
      const { value, done } = this.#left.next()
      if (done === true) return
      const [index, secret] = value
      try {
        const outcome = await this.#one(secret)
        this.#outcomes[index] = outcome
        if (outcome.parts.length > 0) this.#written++
        this.#options.progress(++this.#done)
      } catch (error) {
        this.#failure ??= { error }
      }
    }
  }

  async #one(secret: SecretThere): Promise<SecretOutcome> {
    const { uuid, usage } = secret.definition
    const problem = this.#shared.get(uuid)
    if (problem === undefined) {
      return importSecret(new SecretHere(this.#registry, uuid), secret, this.#options)
    }
    return { uuid, key: secretPath(uuid), usage, change: undefined, parts: [], problem }
  }
}

/** Secrets of the directory that have one use: libvirt lets that happen, and nothing tells whose it is. */
function sharedUses(definitions: readonly SecretDefinition[]): ReadonlyMap<string, Problem> {
  const users = new Map<string, string[]>()
  for (const { uuid, usage } of definitions) {
    const use = usageKey(usage)
    if (use === undefined) continue
    const sharing = users.get(use)
    if (sharing === undefined) users.set(use, [uuid])
    else sharing.push(uuid)
  }
  const problems = new Map<string, Problem>()
  for (const [first = '', second = '', ...more] of users.values()) {
    if (second === '') continue
    for (const uuid of [first, second, ...more]) {
      const other = uuid === first ? second : first
      const rest = more.length === 0 ? '' : ` and ${more.length} more`
      problems.set(uuid, conflict(`${other}${rest} there has its use too`))
    }
  }
  return problems
}
