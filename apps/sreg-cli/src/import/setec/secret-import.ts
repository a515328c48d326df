/**
 * One secret of a setec server into the registry, with the numbers of its versions and the active one. What is there
 * already with the same value is passed over, so that an import can be repeated; nothing is ever written over.
 */
import { LIMITS, type Path, SecregError } from '@secreg/protocol'
import type { Client, SecretMetadata } from '@secreg/setec'
import { isGoneThere, type Problem, problemOf } from './failures.ts'
import type { Kept, SecretHere } from './secret-here.ts'

/** What became of a secret; of a dry run, what would. */
export interface SecretOutcome {
  readonly name: string
  readonly key: Path
  /** Versions that were made, ascending. */
  readonly created: readonly number[]
  /** Versions that were there already with the same value, ascending. */
  readonly same: readonly number[]
  /** Version that another one was the active one instead of. */
  readonly activated: number | undefined
  /** The server has it no more. */
  readonly isGone: boolean
  readonly problem: Problem | undefined
}

export interface SecretImportOptions {
  readonly force: boolean
  readonly dryRun: boolean
  readonly signal: AbortSignal
  /** Called after each version. */
  readonly onVersion: () => void
}

/** How often a secret is begun anew that changes at the server meanwhile. */
const ATTEMPTS = 3

/** One import of one secret. */
export class SecretImport {
  readonly #client: Client
  readonly #here: SecretHere
  readonly #name: string
  readonly #options: SecretImportOptions
  readonly #created = new Set<number>()
  readonly #same = new Set<number>()
  #activated: number | undefined
  #isGone = false
  /** Active version here before all, and now; 0: none, or not known. */
  #before: number | undefined
  #current = 0

  constructor(client: Client, here: SecretHere, name: string, options: SecretImportOptions) {
    this.#client = client
    this.#here = here
    this.#name = name
    this.#options = options
  }

  /** Versions made so far. */
  get created(): number {
    return this.#created.size
  }

  /**
   * Import it.
   *
   * @param key - where it goes
   * @throws what is not about this secret alone; what was done stays done, and the next import goes on from there
   */
  async run(key: Path): Promise<SecretOutcome> {
    const problem = await this.#attempts()
    return {
      name: this.#name,
      key,
      created: [...this.#created].sort((a, b) => a - b),
      same: [...this.#same].sort((a, b) => a - b),
      activated: this.#activated,
      isGone: this.#isGone,
      problem,
    }
  }

  async #attempts(): Promise<Problem | undefined> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const info = await this.#info()
        return info === undefined ? undefined : await this.#bring(info)
      } catch (error) {
        if (!isGoneThere(error)) return problemOf(error)
      }
    }
    const message = 'it is changed at the server all the time'
    return { reason: 'BUSY', message, versions: [] }
  }

  async #info(): Promise<SecretMetadata | undefined> {
    const { signal } = this.#options
    try {
      return await this.#client.info(this.#name, { signal })
    } catch (error) {
      if (!isGoneThere(error)) throw error
      this.#isGone = true
      return undefined
    }
  }

  /** @throws SetecError `ERR_SETEC_NOT_FOUND` when a version is gone meanwhile */
  async #bring(info: SecretMetadata): Promise<Problem | undefined> {
    const numbers = [...new Set(info.versions)]
    if (numbers.includes(0) || !numbers.includes(info.activeVersion)) {
      const message = 'the server tells versions that no secret can have'
      return { reason: 'VALUE_INVALID', message, versions: [] }
    }
    const kept = await this.#here.kept()
    this.#before ??= kept.active
    this.#current = kept.active
    const conflict =
      (await this.#compare(numbers, kept)) ?? this.#ownVersion(numbers, kept, info.activeVersion)
    if (conflict !== undefined) return conflict
    const missing = numbers.filter((version) => !kept.numbers.has(version))
    const problem = await this.#make(missing)
    await this.#activate(info.activeVersion)
    return problem ?? (await this.#check(numbers, info.activeVersion))
  }

  /** Look at the versions that both have, before any is written. */
  async #compare(numbers: readonly number[], kept: Kept): Promise<Problem | undefined> {
    const different: number[] = []
    for (const version of numbers) {
      // What an attempt before this one has made is not there already.
      if (!kept.numbers.has(version) || this.#created.has(version)) continue
      const value = await this.#value(version)
      if (await this.#here.holds(version, value)) this.#note(this.#same, version)
      else different.push(version)
    }
    if (different.length === 0) return undefined
    return { reason: 'ALREADY_EXISTS', message: 'another value is here', versions: different }
  }

  /** A secret that lives on here: what became active here is not taken back by itself. */
  #ownVersion(numbers: readonly number[], kept: Kept, active: number): Problem | undefined {
    if (this.#options.force || kept.active === 0 || numbers.includes(kept.active)) return undefined
    const message = `active here and not at the server; --force activates version ${active}`
    return { reason: 'ALREADY_EXISTS', message, versions: [kept.active] }
  }

  /** @returns why not all of them could be made */
  async #make(missing: readonly number[]): Promise<Problem | undefined> {
    for (const version of missing) {
      let problem: Problem | undefined
      try {
        problem = await this.#makeOne(version)
      } catch (error) {
        if (isGoneThere(error)) throw error
        problem = problemOf(error, [version])
      }
      if (problem !== undefined) return problem
    }
    return undefined
  }

  async #makeOne(version: number): Promise<Problem | undefined> {
    const value = await this.#value(version)
    if (value.length > LIMITS.valueBytes) {
      const message = `${value.length} bytes; a value has at most ${LIMITS.valueBytes}`
      return { reason: 'VALUE_TOO_LARGE', message, versions: [version] }
    }
    if (!this.#options.dryRun) {
      try {
        await this.#here.create(version, value)
      } catch (error) {
        if (!SecregError.is(error) || error.reason !== 'ALREADY_EXISTS') throw error
        return this.#used(version, value)
      }
    }
    this.#current = version
    this.#note(this.#created, version)
    return undefined
  }

  /** A number that turned out to be used: by a version that is gone, or by another import at the same time. */
  async #used(version: number, value: Uint8Array): Promise<Problem | undefined> {
    let message = 'another value is here'
    try {
      if (await this.#here.holds(version, value)) {
        this.#current = 0
        this.#note(this.#same, version)
        return undefined
      }
    } catch (error) {
      if (!SecregError.is(error) || error.statusName !== 'NotFound') throw error
      message = 'its number was used here before, and its value is gone'
    }
    return { reason: 'ALREADY_EXISTS', message, versions: [version] }
  }

  /** Each version that is made becomes the active one; make that the one which is so at the server. */
  async #activate(active: number): Promise<void> {
    if (!this.#created.has(active) && !this.#same.has(active)) return
    if (active !== this.#current && !this.#options.dryRun) await this.#here.activate(active)
    // Of a secret that is all new, this is how its versions come in.
    if (this.#before !== 0 && this.#before !== active) this.#activated = active
  }

  /** Where a mount keeps fewer versions, those that were made make others go. */
  async #check(numbers: readonly number[], active: number): Promise<Problem | undefined> {
    if (this.#options.dryRun || (this.#created.size === 0 && this.#activated === undefined)) {
      return undefined
    }
    const kept = await this.#here.kept()
    const lost = numbers.filter((version) => !kept.numbers.has(version))
    if (lost.length > 0) {
      const message = 'not kept: "sreg mount list" shows how many versions are'
      return { reason: 'LIMIT_EXCEEDED', message, versions: lost }
    }
    if (kept.active === active) return undefined
    const message = 'made the active one here meanwhile'
    return { reason: 'VERSION_CONFLICT', message, versions: [kept.active] }
  }

  async #value(version: number): Promise<Uint8Array> {
    const { signal } = this.#options
    return (await this.#client.getVersion(this.#name, version, { signal })).value
  }

  #note(versions: Set<number>, version: number): void {
    versions.add(version)
    this.#options.onVersion()
  }
}
