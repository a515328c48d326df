import { dirname } from 'node:path'
import type { FileFacts, LogFile, LogFiles } from '../log-files.ts'

/**
 * What a loss of power leaves of bytes that were not synced.
 *
 * * `lost`: nothing, nor any change of names since their directory was synced;
 * * `torn`: of each file, a beginning of what was added;
 * * `holes`: of each file, some blocks; the others read as before, or as zeros where new.
 *
 * With `torn` and `holes`, some changes of names stay and others do not, in no order.
 */
export type PowerLoss = 'lost' | 'torn' | 'holes'

/** Files in memory that know what has reached the disk. */
export interface MemoryFiles extends LogFiles {
  /** Bytes that all files together may take; writes then end short or with ENOSPC. */
  capacityBytes: number
  /** Number of fdatasync calls so far. */
  readonly syncs: number
  /** The process dies: what was written stays, every open file is dead. */
  kill(): void
  /** The machine loses power. `random` returns numbers from 0 up to 1. */
  crash(outcome: PowerLoss, random?: () => number): void
  /** A copy of a file's bytes. */
  readFile(path: string): Buffer
  /** Put a file there, durably, past the log. */
  writeFile(path: string, bytes: Uint8Array): void
  removeFile(path: string): void
}

const BLOCK_BYTES = 4096

interface Disk {
  capacityBytes: number
  generation: number
  syncs: number
  used(): number
}

/** Files in memory for tests of what happens when a process dies or power goes. */
export function createMemoryFiles(options: { readonly capacityBytes?: number } = {}): MemoryFiles {
  return new Memory(options.capacityBytes ?? Number.POSITIVE_INFINITY)
}

/** One file: what the process sees, and what is on the disk. */
class Inode {
  readonly disk: Disk
  data: Buffer = Buffer.alloc(0)
  size = 0
  /** Number of names: 1, or 0 once it was removed. */
  links = 1
  durable: Buffer = Buffer.alloc(0)
  /** Blocks that the next sync will write. */
  readonly dirty: Set<number> = new Set()

  constructor(disk: Disk) {
    this.disk = disk
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length
    if (end > this.data.length) {
      const larger = Buffer.alloc(Math.max(end, this.data.length * 2))
      this.data.copy(larger, 0, 0, this.size)
      this.data = larger
    }
    this.data.set(bytes, position)
    this.size = Math.max(this.size, end)
    for (let block = blockOf(position); block <= blockOf(end - 1); block++) this.dirty.add(block)
  }

  truncate(length: number): void {
    if (length < this.size) this.data.fill(0, length, this.size)
    else this.write(new Uint8Array(length - this.size), this.size)
    this.size = length
    this.dirty.add(blockOf(length))
  }

  sync(): void {
    this.disk.syncs++
    this.durable = this.#merged(this.size, () => true)
    this.dirty.clear()
  }

  lose(outcome: PowerLoss, random: () => number): void {
    const before = this.durable.length
    let size = before
    if (outcome !== 'lost') size = before + Math.floor(random() * (this.size + 1 - before))
    if (outcome === 'holes' && random() < 0.7) size = this.size
    const kept = outcome === 'torn' ? () => true : () => outcome === 'holes' && random() < 0.5
    this.durable = this.#merged(size, kept)
    this.data = Buffer.from(this.durable)
    this.size = size
    this.dirty.clear()
  }

  #merged(size: number, kept: (block: number) => boolean): Buffer {
    const merged = Buffer.alloc(size)
    this.durable.copy(merged, 0, 0, Math.min(size, this.durable.length))
    for (const block of this.dirty) {
      const from = block * BLOCK_BYTES
      if (from < size && kept(block)) {
        this.data.copy(merged, from, from, Math.min(size, this.size, from + BLOCK_BYTES))
      }
    }
    return merged
  }
}

/** One change of names, which a power loss keeps as a whole or not at all. */
interface NameChange {
  readonly removed?: string
  readonly made?: readonly [name: string, inode: Inode]
}

interface Directory {
  names: Map<string, Inode>
  durable: Map<string, Inode>
  /** Changes since the last sync of the directory. */
  pending: NameChange[]
}

class Memory implements MemoryFiles, Disk {
  capacityBytes: number
  generation = 0
  syncs = 0
  readonly #directories = new Map<string, Directory>()

  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes
  }

  used(): number {
    let total = 0
    for (const { names } of this.#directories.values()) {
      for (const { size } of names.values()) total += size
    }
    return total
  }

  facts(path: string): FileFacts | undefined {
    if (this.#directories.has(path)) return { ...factsOf(0), kind: 'directory', mode: 0o700 }
    const inode = this.#find(path)
    return inode && factsOf(inode.size)
  }

  makeDirectory(path: string): void {
    this.#directories.set(path, { names: new Map(), durable: new Map(), pending: [] })
  }

  list(directory: string): string[] {
    return [...this.#directory(directory).names.keys()]
  }

  create(path: string): LogFile {
    if (this.#find(path) !== undefined) throw systemError('EEXIST')
    const inode = new Inode(this)
    change(this.#directory(dirname(path)), { made: [nameOf(path), inode] })
    return new MemoryFile(inode)
  }

  open(path: string): LogFile {
    return new MemoryFile(this.#existing(path))
  }

  remove(path: string): void {
    this.#existing(path).links = 0
    change(this.#directory(dirname(path)), { removed: nameOf(path) })
  }

  rename(from: string, to: string): void {
    const inode = this.#existing(from)
    if (dirname(from) !== dirname(to)) throw systemError('EXDEV')
    if (from === to) return
    const replaced = this.#find(to)
    if (replaced !== undefined) replaced.links = 0
    change(this.#directory(dirname(to)), { removed: nameOf(from), made: [nameOf(to), inode] })
  }

  syncDirectory(path: string): void {
    const directory = this.#directory(path)
    directory.durable = new Map(directory.names)
    directory.pending = []
  }

  kill(): void {
    this.generation++
  }

  crash(outcome: PowerLoss, random: () => number = Math.random): void {
    this.kill()
    for (const directory of this.#directories.values()) {
      for (const pending of directory.pending) {
        if (outcome !== 'lost' && random() < 0.5) apply(directory.durable, pending)
      }
      directory.pending = []
      directory.names = new Map(directory.durable)
      for (const inode of new Set(directory.names.values())) {
        inode.links = 1
        inode.lose(outcome, random)
      }
    }
  }

  readFile(path: string): Buffer {
    const { data, size } = this.#existing(path)
    return Buffer.from(data.subarray(0, size))
  }

  writeFile(path: string, bytes: Uint8Array): void {
    const inode = new Inode(this)
    if (bytes.length > 0) inode.write(bytes, 0)
    inode.sync()
    this.#settled(path).set(nameOf(path), inode)
    this.#directory(dirname(path)).durable.set(nameOf(path), inode)
  }

  removeFile(path: string): void {
    this.#settled(path).delete(nameOf(path))
    this.#directory(dirname(path)).durable.delete(nameOf(path))
  }

  /** Names of the directory of `path`, with no change of that name waiting for a sync. */
  #settled(path: string): Map<string, Inode> {
    const directory = this.#directory(dirname(path))
    const name = nameOf(path)
    directory.pending = directory.pending.filter(
      ({ removed, made }) => removed !== name && made?.[0] !== name,
    )
    return directory.names
  }

  #directory(path: string): Directory {
    const directory = this.#directories.get(path)
    if (directory === undefined) throw systemError('ENOENT')
    return directory
  }

  #find(path: string): Inode | undefined {
    return this.#directories.get(dirname(path))?.names.get(nameOf(path))
  }

  #existing(path: string): Inode {
    const inode = this.#find(path)
    if (inode === undefined) throw systemError('ENOENT')
    return inode
  }
}

/** A file of {@link createMemoryFiles}, which can also forget. */
export class MemoryFile implements LogFile {
  readonly #inode: Inode
  readonly #generation: number
  #closed = false

  constructor(inode: Inode) {
    this.#inode = inode
    this.#generation = inode.disk.generation
  }

  facts(): FileFacts {
    const { size, links } = this.#live()
    return { ...factsOf(size), links }
  }

  write(bytes: Uint8Array, from: number, length: number, position: number): number {
    const inode = this.#live()
    const free = inode.disk.capacityBytes - inode.disk.used()
    const fits = Math.max(0, inode.size - position) + Math.max(0, free)
    const count = Math.min(length, fits)
    if (count === 0 && length > 0) throw systemError('ENOSPC')
    inode.write(bytes.subarray(from, from + count), position)
    return count
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const { data, size } = this.#live()
    const count = Math.max(0, Math.min(into.length, size - position))
    into.set(data.subarray(position, position + count))
    return count
  }

  truncate(length: number): void {
    this.#live().truncate(length)
  }

  sync(): void {
    this.#live().sync()
  }

  async syncLater(): Promise<void> {
    await Promise.resolve()
    this.#live().sync()
  }

  close(): void {
    this.#closed = true
  }

  /** A failed fdatasync: the kernel takes the unsynced blocks for clean and never writes them. */
  forgetDirty(): void {
    this.#inode.dirty.clear()
  }

  #live(): Inode {
    if (this.#closed || this.#generation !== this.#inode.disk.generation) throw systemError('EBADF')
    return this.#inode
  }
}

/** An error as the system reports it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected or simulated`), { code })
}

function change(directory: Directory, next: NameChange): void {
  apply(directory.names, next)
  directory.pending.push(next)
}

function apply(names: Map<string, Inode>, { removed, made }: NameChange): void {
  if (removed !== undefined) names.delete(removed)
  if (made !== undefined) names.set(...made)
}

function factsOf(size: number): FileFacts {
  return { kind: 'file', mode: 0o600, ours: true, links: 1, size, allocated: size }
}

function blockOf(position: number): number {
  return Math.floor(position / BLOCK_BYTES)
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
