import { AuditError } from '../errors.ts'
import type { LogFile } from '../log-files.ts'
import {
  decodeMember,
  MEMBER_HEADER_BYTES,
  type MemberSize,
  readMemberHeader,
} from './gzip-member.ts'

/** Where one block of a compressed segment is. */
export interface Member extends MemberSize {
  /** Offset of the member in the file. */
  readonly at: number
  /** Offset of its first line in the segment as it was written. */
  readonly offset: number
}

/** Inflated blocks kept: a line or a read may lie across the border of two. */
const KEPT_BLOCKS = 2

/** The lines of a compressed segment, read by their offsets in the segment as it was written. */
export class CompressedSegment {
  readonly members: readonly Member[]
  /** Bytes of all lines. */
  readonly size: number
  readonly #file: LogFile
  readonly #segment: number
  readonly #kept = new Map<Member, Buffer>()

  private constructor(file: LogFile, segment: number, members: readonly Member[]) {
    this.#file = file
    this.#segment = segment
    this.members = members
    const last = members.at(-1)
    this.size = last === undefined ? 0 : last.offset + last.length
  }

  /**
   * Read the table of blocks, or take `members` as it where these fill the file. Owns `file` once
   * it returns.
   * @throws AuditError `ERR_AUDIT_TAMPERED` if the headers do not lead to the end of the file.
   */
  static async open(
    file: LogFile,
    segment: number,
    members?: readonly Member[],
  ): Promise<CompressedSegment> {
    const { size } = file.facts()
    const last = members?.at(-1)
    if (members !== undefined && last !== undefined && last.at + last.bytes === size) {
      return new CompressedSegment(file, segment, members)
    }
    return new CompressedSegment(file, segment, await readMembers(file, segment, size))
  }

  /** As of a file: read lines at `position` until `into` is full or they end. */
  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0
    for (let index = this.#find(position); done < into.length; index++) {
      const member = this.members[index]
      if (member === undefined) break
      const lines = await this.block(member)
      const from = position + done - member.offset
      const part = lines.subarray(from, from + into.length - done)
      into.set(part, done)
      done += part.length
    }
    return done
  }

  /**
   * The lines of one block; not to be changed by the caller.
   * @throws AuditError `ERR_AUDIT_TAMPERED` if it is damaged.
   */
  async block(member: Member): Promise<Buffer> {
    const kept = this.#kept.get(member)
    if (kept !== undefined) return kept
    const bytes = Buffer.allocUnsafe(member.bytes)
    const count = await this.#file.read(bytes, member.at)
    const lines = await decodeMember(bytes.subarray(0, count), member)
    if (lines === undefined) throw damaged(this.#segment, member.at)
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < KEPT_BLOCKS) break
      this.#kept.delete(oldest)
    }
    this.#kept.set(member, lines)
    return lines
  }

  close(): void {
    this.#kept.clear()
    this.#file.close()
  }

  /** Index of the block that holds the byte at `position`. */
  #find(position: number): number {
    let low = 0
    let high = this.members.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const { offset, length } = this.members[middle] as Member
      if (offset + length <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}

async function readMembers(file: LogFile, segment: number, size: number): Promise<Member[]> {
  const members: Member[] = []
  const header = Buffer.allocUnsafe(MEMBER_HEADER_BYTES)
  let offset = 0
  for (let at = 0; at < size; ) {
    const count = await file.read(header, at)
    const found = readMemberHeader(header.subarray(0, count))
    if (found === undefined || at + found.bytes > size) throw damaged(segment, at)
    members.push({ ...found, at, offset })
    at += found.bytes
    offset += found.length
  }
  return members
}

function damaged(segment: number, at: number): AuditError {
  const message = `the compressed block at ${at} of segment ${segment} is damaged`
  return new AuditError('ERR_AUDIT_TAMPERED', message, { segment })
}
