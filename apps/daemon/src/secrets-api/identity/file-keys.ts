/** Keys of an issuer in a file, read again when it has changed. Where it cannot be read, nobody's token is believed. */
import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { readStrictJson } from '@secreg/protocol'
import type { CryptoKey } from 'jose'
import type { Members } from './compact-jws.ts'
import { type KeySet, readKeySet } from './key-set.ts'
import {
  type KeySource,
  type KeysFault,
  KeysUnavailableError,
  onceForEach,
  type TellKeys,
} from './key-source.ts'

/** Largest file, bytes. */
export const MAX_KEY_FILE_BYTES = 262_144
const MAX_DEPTH = 16
const RETRY_AFTER_SECONDS = 5
const EXACT = { bigint: true } as const
const CHANGEABLE_BY_OTHERS = 0o022n

interface Read {
  /** What the file was when it was read. */
  readonly facts: BigIntStats
  readonly set: KeySet
}

export class FileKeys implements KeySource {
  readonly #path: string
  readonly #tell: TellKeys
  #read: Read | undefined

  constructor(path: string, tell: TellKeys) {
    this.#path = path
    this.#tell = onceForEach(tell)
  }

  async find(header: Members): Promise<CryptoKey | undefined> {
    let set: KeySet
    try {
      set = await this.#current()
      this.#tell(undefined)
    } catch (error) {
      this.#read = undefined
      this.#tell(error instanceof Unfit ? error.fault : 'unreadable')
      throw new KeysUnavailableError(RETRY_AFTER_SECONDS)
    }
    return set.find(header)
  }

  async #current(): Promise<KeySet> {
    const facts = await stat(this.#path, EXACT)
    if (this.#read === undefined || !isSame(facts, this.#read.facts)) {
      this.#read = await readFile(this.#path)
    }
    return this.#read.set
  }
}

class Unfit extends Error {
  readonly fault: KeysFault

  constructor(fault: KeysFault) {
    super(fault)
    this.fault = fault
  }
}

/** @throws Unfit, or what the platform throws */
async function readFile(path: string): Promise<Read> {
  // Without O_NONBLOCK the open of a FIFO would wait for a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts = await handle.stat(EXACT)
    const { mode, size, uid } = facts
    const ours = uid === 0n || uid === BigInt(process.geteuid?.() ?? 0)
    if (!facts.isFile() || !ours || (mode & CHANGEABLE_BY_OTHERS) !== 0n) throw new Unfit('unsafe')
    if (size > MAX_KEY_FILE_BYTES) throw new Unfit('malformed')
    const document = readStrictJson(await readAll(handle, Number(size)), MAX_DEPTH)
    const set = document.ok ? readKeySet(document.value) : undefined
    if (set === undefined) throw new Unfit('malformed')
    return { facts, set }
  } finally {
    await handle.close()
  }
}

/** As many bytes as it had when it was looked at: one that grows meanwhile is read again. */
async function readAll(handle: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  let length = 0
  while (length < size) {
    const { bytesRead } = await handle.read(bytes, length, size - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

/** Any change of content, owner or mode changes the time of its change; another file has another number. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.ctimeNs === b.ctimeNs && a.size === b.size
}
