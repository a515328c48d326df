/** Somebody who can write the files and has no key: LevelDB itself, and the row format as the README has it. */
import { crc32 } from 'node:zlib'
import { ClassicLevel } from 'classic-level'

const SUM_MODULUS = 2 ** 48

/** A stored row, taken apart. */
export interface RowParts {
  flags: number
  createRevision: number
  modifyRevision: number
  value: Buffer
  tag: Buffer
}

export function takeApart(bytes: Uint8Array): RowParts {
  const row = Buffer.from(bytes)
  const flags = row[1] as number
  const end = row.length - 4 - (flags === 1 ? 16 : 0)
  return {
    flags,
    createRevision: row.readUIntBE(2, 6),
    modifyRevision: row.readUIntBE(8, 6),
    value: row.subarray(14, end),
    tag: row.subarray(end, row.length - 4),
  }
}

/** Bytes of a row with a checksum that is right for its place. */
export function assemble(storageKey: string, parts: RowParts): Buffer {
  const header = Buffer.alloc(14)
  header[0] = 1
  header[1] = parts.flags
  header.writeUIntBE(parts.createRevision, 2, 6)
  header.writeUIntBE(parts.modifyRevision, 8, 6)
  return seal(storageKey, Buffer.concat([header, parts.value, parts.tag]))
}

/** Put the right checksum after anything. */
export function seal(storageKey: string, body: Uint8Array): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body, crc32(storageKey)))
  return Buffer.concat([body, sum])
}

function crcOf(bytes: Uint8Array): number {
  return Buffer.from(bytes).readUInt32BE(bytes.length - 4)
}

export class Attacker {
  readonly #db: ClassicLevel<string, Uint8Array>

  private constructor(db: ClassicLevel<string, Uint8Array>) {
    this.#db = db
  }

  static async on<T>(directory: string, work: (attacker: Attacker) => Promise<T>): Promise<T> {
    const db = new ClassicLevel<string, Uint8Array>(directory, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      createIfMissing: false,
      compression: false,
    })
    await db.open()
    try {
      return await work(new Attacker(db))
    } finally {
      await db.close()
    }
  }

  async read(storageKey: string): Promise<Buffer> {
    const bytes = await this.#db.get(storageKey)
    if (bytes === undefined) throw new Error(`no row ${storageKey}`)
    return Buffer.from(bytes)
  }

  /** All rows between two storage keys. */
  async all(gte: string, lt: string): Promise<Map<string, Buffer>> {
    const rows = new Map<string, Buffer>()
    for await (const [key, bytes] of this.#db.iterator({ gte, lt }))
      rows.set(key, Buffer.from(bytes))
    return rows
  }

  async write(storageKey: string, bytes: Uint8Array | undefined): Promise<void> {
    if (bytes === undefined) await this.#db.del(storageKey)
    else await this.#db.put(storageKey, bytes)
  }

  /** Change a row and its checksum. */
  async edit(storageKey: string, change: (parts: RowParts) => void): Promise<void> {
    const parts = takeApart(await this.read(storageKey))
    change(parts)
    await this.write(storageKey, assemble(storageKey, parts))
  }

  /** Bring number and sum of rows in the head to what is there, and the head's checksum too. */
  async adaptHead(): Promise<void> {
    const rows = await this.all('d', 'e')
    let sum = 0
    for (const bytes of rows.values()) sum = (sum + crcOf(bytes)) % SUM_MODULUS
    await this.edit('h', ({ value }) => {
      value.writeUIntBE(rows.size, 16, 6)
      value.writeUIntBE(sum, 22, 6)
    })
  }

  /** Have the change rows forgotten up to a revision, as trimming does. */
  async forgetChanges(upTo: number): Promise<void> {
    for (const key of (await this.all('c', 'd')).keys()) {
      if (Number(key.slice(1)) <= upTo) await this.write(key, undefined)
    }
    await this.mark('mtrimmed', upTo)
  }

  async mark(storageKey: 'mtrimmed' | 'mcheckpoint', revision: number): Promise<void> {
    const none = { value: Buffer.alloc(0), tag: Buffer.alloc(0), flags: 0 }
    const parts = { ...none, createRevision: revision, modifyRevision: revision }
    await this.write(storageKey, assemble(storageKey, parts))
  }
}
