/** Engines for the model test: each over what stays on the medium when the process, or power, goes. */
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Engine, LevelEngine, MemoryEngine, StorageError } from '@secreg/storage'
import { FaultEngine, type FaultEngineOptions } from '@secreg/storage/testing'
import type { CommitFault } from './model-steps.ts'

export type EngineName = 'memory' | 'level'

/** One store through all its processes. */
export interface Bench {
  /** Open the engine of the next process. */
  open(options: FaultEngineOptions): Promise<FaultEngine>
  /** Have a commit of the open engine fail. */
  arm(fault: CommitFault): void
  disarm(): void
  /** Note what is on the medium at this moment, which the next process will find. */
  die(): void
  /** Release what the process had, once its registry is closed. */
  closed(): Promise<void>
  dispose(): Promise<void>
}

export function createBench(name: EngineName): Bench {
  return name === 'memory' ? new ModelBench(new MemoryMedium()) : new ModelBench(new LevelMedium())
}

interface Medium {
  open(): Promise<Engine>
  die(): void
  closed(): Promise<void>
  dispose(): void
}

class ModelBench implements Bench {
  readonly #medium: Medium
  #engine: FaultEngine | undefined
  #doubts = 0

  constructor(medium: Medium) {
    this.#medium = medium
  }

  async open(options: FaultEngineOptions): Promise<FaultEngine> {
    this.#doubts = 0
    const medium = await this.#medium.open()
    this.#engine = new FaultEngine(this.#doubtful(medium), options)
    return this.#engine
  }

  arm({ nth, errno, ends }: CommitFault): void {
    if (ends === 'doubt-lost') this.#doubts = nth
    else {
      this.#engine?.failCommit(nth, {
        errno,
        applied: ends === 'doubt',
        reopens: ends === 'refused',
      })
    }
  }

  disarm(): void {
    this.#doubts = 0
    // A failure after which the store was opened again at once, with everything there, is none to be seen.
    for (const nth of [1, 2]) this.#engine?.failCommit(nth, { errno: 'EIO', applied: true })
  }

  die(): void {
    this.#medium.die()
  }

  closed(): Promise<void> {
    return this.#medium.closed()
  }

  async dispose(): Promise<void> {
    await this.#medium.closed()
    this.#medium.dispose()
  }

  /** The medium, but for a commit that is lost while nobody is told so. */
  #doubtful(medium: Engine): Engine {
    const commit: Engine['commit'] = async (batch) => {
      if (this.#doubts > 0 && --this.#doubts === 0) {
        throw new StorageError('ERR_STORAGE_OUTCOME_UNKNOWN', 'injected failure')
      }
      return medium.commit(batch)
    }
    return new Proxy(medium, {
      get(target, name) {
        if (name === 'commit') return commit
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  }
}

class MemoryMedium implements Medium {
  readonly #engine = new MemoryEngine()

  async open(): Promise<Engine> {
    return this.#engine
  }

  die(): void {}

  async closed(): Promise<void> {}

  dispose(): void {}
}

class LevelMedium implements Medium {
  readonly #home = mkdtempSync(join(tmpdir(), 'secreg-model-'))
  #lives = 0
  #engine: LevelEngine | undefined
  #next: string | undefined

  async open(): Promise<Engine> {
    this.#engine = await LevelEngine.open(this.#directory)
    return this.#engine
  }

  /** A copy of the directory is what a killed process leaves. */
  die(): void {
    const from = this.#directory
    this.#next = join(this.#home, `data-${this.#lives + 1}`)
    // What LevelDB tidies up in the background must not be seen half.
    for (let before = ''; ; ) {
      rmSync(this.#next, { recursive: true, force: true })
      const isWhole = copyWhole(from, this.#next)
      const after = listing(from)
      if (isWhole && before === after) break
      before = after
    }
    // Some versions of Node.js copy the files with their modes, but not the directory.
    chmodSync(this.#next, 0o700)
  }

  async closed(): Promise<void> {
    await this.#engine?.close()
    this.#engine = undefined
    if (this.#next === undefined) return
    rmSync(this.#directory, { recursive: true, force: true })
    this.#lives++
    this.#next = undefined
  }

  dispose(): void {
    rmSync(this.#home, { recursive: true, force: true })
  }

  get #directory(): string {
    return join(this.#home, `data-${this.#lives}`)
  }
}

/** Whether no file went away meanwhile. */
function copyWhole(from: string, to: string): boolean {
  try {
    cpSync(from, to, { recursive: true })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return false
  }
}

function listing(directory: string): string {
  return readdirSync(directory)
    .map((name) => `${name} ${statSync(join(directory, name), { throwIfNoEntry: false })?.size}`)
    .join('\n')
}
