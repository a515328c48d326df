import type { FileFacts, LogFile, LogFiles } from '../log-files.ts'
import { MemoryFile, systemError } from './memory-files.ts'

/** Operations that can be made to fail; `sync` is fdatasync, blocking or not. */
export type FaultOperation =
  | 'create'
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'remove'
  | 'rename'
  | 'sync'
  | 'sync-directory'

export interface Fault {
  readonly operation: FaultOperation
  /** What the operation fails with. A `write` without a code ends short instead. */
  readonly code?: string
  /** Fail the n-th operation of that kind from now; default 1. */
  readonly at?: number
  /** How many from then on; default 1, `Infinity` until {@link FaultyFiles.clear}. */
  readonly times?: number
  /** Only for paths that end so, of a rename the new one; default any. */
  readonly path?: string
  /** For `write`: so many bytes are written before it fails or ends short; default 0. */
  readonly bytes?: number
}

/** Files that fail on demand. */
export interface FaultyFiles extends LogFiles {
  /** Operations so far that change something: create, write, truncate, remove, rename, syncs. */
  readonly changes: number
  /** Operations so far of one kind. */
  count(operation: FaultOperation): number
  fail(fault: Fault): void
  /** End all faults. */
  clear(): void
  /**
   * The process dies at the n-th changing operation from now: of a write, `bytes` are written;
   * nothing else is carried out, and every later operation throws {@link Killed}.
   */
  dieAt(n: number, bytes?: number): void
}

/** What operations throw after {@link FaultyFiles.dieAt}. */
export class Killed extends Error {
  override readonly name: string = 'Killed'
}

/** Put faults before other files. A sync that fails loses the unsynced blocks of memory files. */
export function withFaults(files: LogFiles): FaultyFiles {
  return new Faulty(files)
}

interface Armed {
  readonly fault: Fault
  seen: number
}

class Faulty implements FaultyFiles {
  changes = 0
  readonly #inner: LogFiles
  readonly #counts = new Map<FaultOperation, number>()
  #armed: Armed[] = []
  #deathAt = Number.POSITIVE_INFINITY
  #deathBytes = 0

  constructor(inner: LogFiles) {
    this.#inner = inner
  }

  count(operation: FaultOperation): number {
    return this.#counts.get(operation) ?? 0
  }

  fail(fault: Fault): void {
    this.#armed.push({ fault, seen: 0 })
  }

  clear(): void {
    this.#armed = []
  }

  dieAt(n: number, bytes = 0): void {
    this.#deathAt = this.changes + n
    this.#deathBytes = bytes
  }

  /** Count one operation; returns the fault that it meets. `partly` does what a death leaves done. */
  meet(
    operation: FaultOperation,
    path: string,
    partly?: (bytes: number) => void,
  ): Fault | undefined {
    if (this.changes >= this.#deathAt) throw new Killed('dead')
    if (operation !== 'read' && operation !== 'open' && ++this.changes >= this.#deathAt) {
      if (this.#deathBytes > 0) partly?.(this.#deathBytes)
      throw new Killed(`died in ${operation}`)
    }
    this.#counts.set(operation, this.count(operation) + 1)
    let met: Fault | undefined
    for (const armed of this.#armed) {
      const { fault } = armed
      if (fault.operation !== operation || !path.endsWith(fault.path ?? '')) continue
      armed.seen++
      const past = armed.seen - (fault.at ?? 1)
      if (past >= 0 && past < (fault.times ?? 1)) met ??= fault
    }
    return met
  }

  check(operation: FaultOperation, path: string): void {
    const fault = this.meet(operation, path)
    if (fault !== undefined) throw systemError(fault.code ?? 'EIO')
  }

  facts(path: string): FileFacts | undefined {
    return this.#inner.facts(path)
  }

  makeDirectory(path: string): void {
    this.#inner.makeDirectory(path)
  }

  list(directory: string): string[] {
    return this.#inner.list(directory)
  }

  create(path: string): LogFile {
    this.check('create', path)
    return new FaultyFile(this, path, this.#inner.create(path))
  }

  open(path: string, access: 'read' | 'write'): LogFile {
    this.check('open', path)
    return new FaultyFile(this, path, this.#inner.open(path, access))
  }

  remove(path: string): void {
    this.check('remove', path)
    this.#inner.remove(path)
  }

  rename(from: string, to: string): void {
    this.check('rename', to)
    this.#inner.rename(from, to)
  }

  syncDirectory(path: string): void {
    this.check('sync-directory', path)
    this.#inner.syncDirectory(path)
  }
}

class FaultyFile implements LogFile {
  readonly #files: Faulty
  readonly #path: string
  readonly #inner: LogFile

  constructor(files: Faulty, path: string, inner: LogFile) {
    this.#files = files
    this.#path = path
    this.#inner = inner
  }

  facts(): FileFacts {
    return this.#inner.facts()
  }

  write(bytes: Uint8Array, from: number, length: number, position: number): number {
    const write = (count: number): number =>
      this.#inner.write(bytes, from, Math.min(count, length), position)
    const fault = this.#files.meet('write', this.#path, write)
    if (fault === undefined) return write(length)
    const count = (fault.bytes ?? 0) > 0 ? write(fault.bytes ?? 0) : 0
    if (fault.code !== undefined) throw systemError(fault.code)
    return count
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    this.#files.check('read', this.#path)
    return this.#inner.read(into, position)
  }

  truncate(length: number): void {
    this.#files.check('truncate', this.#path)
    this.#inner.truncate(length)
  }

  sync(): void {
    this.#checkSync()
    this.#inner.sync()
  }

  async syncLater(): Promise<void> {
    this.#checkSync()
    await this.#inner.syncLater()
  }

  close(): void {
    this.#inner.close()
  }

  #checkSync(): void {
    const fault = this.#files.meet('sync', this.#path)
    if (fault === undefined) return
    if (this.#inner instanceof MemoryFile) this.#inner.forgetDirty()
    throw systemError(fault.code ?? 'EIO')
  }
}
