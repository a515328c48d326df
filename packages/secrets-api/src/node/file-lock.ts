/**
 * A lock between processes. It is a directory: empty or absent when it is free, else with one file in it, named for the
 * process that holds it. Whoever wants it prepares such a directory and renames it there, which fails where a file is in
 * the way. The lock of a process that has ended is taken over by renaming its file, which one process alone can do; so
 * no lock is ever taken from one that has it.
 */
import { mkdir, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { hasEnded, isIdentity, ownIdentity } from './process-identity.ts'

/** The lock was not free in time. */
export class LockTimeoutError extends Error {
  override readonly name: string = 'LockTimeoutError'
}

/** Options of {@link FileLock}. */
export interface FileLockOptions {
  /** How long to wait for it, milliseconds. */
  readonly timeoutMs: number
}

/** Longest pause between two looks at a lock that is held, milliseconds. */
const PAUSE_MS = 12

/** See above. */
export class FileLock {
  readonly #path: string
  readonly #timeoutMs: number
  /** The turns of this process; the last one never rejects. */
  #turns: Promise<unknown> = Promise.resolve()
  #swept = false

  /** @param path - of the lock, in a directory that others cannot write to */
  constructor(path: string, { timeoutMs }: FileLockOptions) {
    this.#path = path
    this.#timeoutMs = timeoutMs
  }

  /**
   * Run something while the lock is held.
   *
   * @throws LockTimeoutError when it is not free in time; errors of the file system, of `run`, and of `signal`
   */
  async hold<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const deadline = performance.now() + this.#timeoutMs
    const turn = this.#turns.then(() => this.#holdNow(run, deadline, signal))
    this.#turns = turn.catch(() => {})
    return turn
  }

  async #holdNow<T>(
    run: () => Promise<T>,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    signal?.throwIfAborted()
    const identity = ownIdentity()
    await this.#acquire(identity, deadline, signal)
    try {
      await this.#sweep()
      return await run()
    } finally {
      await unlink(join(this.#path, identity))
    }
  }

  async #acquire(
    identity: string,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const prepared = `${this.#path}.${identity}`
    await mkdir(prepared, { mode: 0o700 })
    try {
      await writeFile(join(prepared, identity), '', { flag: 'wx', mode: 0o600 })
      while (!(await this.#take(prepared)) && !(await this.#takeOver(identity))) {
        if (performance.now() >= deadline) throw new LockTimeoutError('the lock is held')
        await delay(1 + Math.random() * PAUSE_MS, undefined, signal === undefined ? {} : { signal })
      }
    } finally {
      await rm(prepared, { recursive: true, force: true })
    }
  }

  async #take(prepared: string): Promise<boolean> {
    try {
      await rename(prepared, this.#path)
      return true
    } catch (error) {
      if (isCode(error, 'ENOTEMPTY', 'EEXIST')) return false
      throw error
    }
  }

  /** Of a process that has ended. */
  async #takeOver(identity: string): Promise<boolean> {
    for (const holder of await namesIn(this.#path)) {
      if (!hasEnded(holder)) continue
      try {
        await rename(join(this.#path, holder), join(this.#path, identity))
        return true
      } catch (error) {
        // Somebody else was faster.
        if (!isCode(error, 'ENOENT')) throw error
      }
    }
    return false
  }

  /** Remove, once, what processes have prepared that ended while they waited. */
  async #sweep(): Promise<void> {
    if (this.#swept) return
    this.#swept = true
    const start = `${basename(this.#path)}.`
    for (const name of await namesIn(dirname(this.#path))) {
      const identity = name.startsWith(start) ? name.slice(start.length) : ''
      if (!isIdentity(identity) || !hasEnded(identity)) continue
      await rm(join(dirname(this.#path), name), { recursive: true, force: true })
    }
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return []
    throw error
  }
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? '')
}
