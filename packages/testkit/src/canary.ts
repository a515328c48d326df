/** Search of files for bytes that must not be in them. */

import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** A text that occurs nowhere by chance, to be looked for later. */
export function createCanary(prefix = 'canary'): string {
  return `${prefix}-${randomBytes(12).toString('hex')}`
}

/** A place where a text was found. */
export interface CanaryFind {
  readonly file: string
  /** How it was written. */
  readonly form: 'name' | CanaryForm
  /** Byte offset in the file; 0 when it is in the name. */
  readonly offset: number
}

/** A way of writing the same bytes. */
export type CanaryForm = 'plain' | 'base64' | 'base64url' | 'hex' | 'utf16'

/**
 * Look for a text in the names and contents of all files below directories: as it is, in base64 at any alignment, in
 * hexadecimal and in UTF-16. Symbolic links are not followed; files that vanish meanwhile are skipped.
 *
 * @param text - At least 8 bytes, so that it is not found by chance.
 */
export function findCanary(text: string, ...directories: readonly string[]): CanaryFind[] {
  const bytes = Buffer.from(text)
  if (bytes.length < 8) throw new RangeError(`text: expected at least 8 bytes, got ${bytes.length}`)
  const needles = needlesOf(bytes)
  const finds: CanaryFind[] = []
  for (const directory of directories) {
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      if (entry.name.includes(text)) finds.push({ file, form: 'name', offset: 0 })
      if (entry.isFile()) finds.push(...searchFile(file, needles))
    }
  }
  return finds
}

type Needle = readonly [form: CanaryForm, bytes: Buffer]

function needlesOf(bytes: Buffer): Needle[] {
  const hex = bytes.toString('hex')
  const needles: Needle[] = [
    ['plain', bytes],
    ['hex', Buffer.from(hex)],
    ['hex', Buffer.from(hex.toUpperCase())],
    ['utf16', Buffer.from(bytes.toString(), 'utf16le')],
  ]
  for (const form of ['base64', 'base64url'] as const) {
    for (const shift of [0, 1, 2]) {
      // The digits that depend on neighbours are cut off at both ends.
      const digits = Buffer.concat([Buffer.alloc(shift), bytes])
        .toString(form)
        .replace(/=+$/, '')
      const head = [0, 2, 3][shift] ?? 0
      const tail = (shift + bytes.length) % 3 === 0 ? 0 : 1
      needles.push([form, Buffer.from(digits.slice(head, digits.length - tail))])
    }
  }
  return needles
}

const CHUNK_BYTES = 1024 * 1024

function searchFile(file: string, needles: readonly Needle[]): CanaryFind[] {
  let handle: number
  try {
    handle = openSync(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  try {
    const overlap = Math.max(...needles.map(([, bytes]) => bytes.length)) - 1
    const buffer = Buffer.alloc(overlap + CHUNK_BYTES)
    const found = new Map<CanaryForm, number>()
    let kept = 0
    for (let position = 0; ; ) {
      const read = readSync(handle, buffer, kept, CHUNK_BYTES, position)
      if (read === 0) break
      const filled = buffer.subarray(0, kept + read)
      for (const [form, bytes] of needles) {
        const at = filled.indexOf(bytes)
        if (at >= 0 && !found.has(form)) found.set(form, position - kept + at)
      }
      position += read
      kept = Math.min(overlap, filled.length)
      buffer.copyWithin(0, filled.length - kept, filled.length)
    }
    return [...found].map(([form, offset]) => ({ file, form, offset }))
  } finally {
    closeSync(handle)
  }
}
