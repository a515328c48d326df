/** The file operations that a log needs, as a port: tests put power loss and faults behind it. */

/** What the file system says about a path or an open file. */
export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'link' | 'other'
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number
  /** The owner is this process's effective user. */
  readonly ours: boolean
  /** Number of names. */
  readonly links: number
  readonly size: number
  /** Bytes that are really allocated. */
  readonly allocated: number
}

/** One open file. Failures are thrown as they come from the system (`code`: ENOSPC, EIO, …). */
export interface LogFile {
  facts(): FileFacts
  /** pwrite(2): write `bytes[from, from + length)` at `position`; returns how many were written. */
  write(bytes: Uint8Array, from: number, length: number, position: number): number
  /** Read at `position` until `into` is full or the file ends; returns how many were read. */
  read(into: Uint8Array, position: number): Promise<number>
  truncate(length: number): void
  /** fdatasync(2), blocking. */
  sync(): void
  /** fdatasync(2) off the main thread. */
  syncLater(): Promise<void>
  close(): void
}

export interface LogFiles {
  /** Facts without following a link; undefined if there is nothing. */
  facts(path: string): FileFacts | undefined
  /** Make a directory 0700 and sync its parent. */
  makeDirectory(path: string): void
  /** Names in a directory, in any order. */
  list(directory: string): string[]
  /** Create a file 0600; fails if the name is taken. */
  create(path: string): LogFile
  /** Open an existing file without following a link. */
  open(path: string, access: 'read' | 'write'): LogFile
  /** Take a name away; files that are open stay readable. Fails if there is none. */
  remove(path: string): void
  /** Give a file another name in the same directory, in place of a file that has it. */
  rename(from: string, to: string): void
  /** Make names durable: those made, replaced and taken away. */
  syncDirectory(path: string): void
}
