/** Byte arrays: joining, wiping, and the canonical encoding of fields that tags and associated data cover. */

import { isBytes } from './assert.ts'

const utf8 = new TextEncoder()

/** Encode text as UTF-8. Returns a fresh copy. */
export function utf8Bytes(text: string): Uint8Array {
  return utf8.encode(text)
}

/**
 * Overwrite secret bytes with zeros.
 *
 * JavaScript may have copied them before (a moving garbage collector, strings, register spills), so this shortens the
 * time a secret is in memory and promises no more.
 */
export function wipe(...arrays: readonly Uint8Array[]): void {
  for (const bytes of arrays) {
    if (!isBytes(bytes)) throw new TypeError('wipe takes Uint8Arrays')
    bytes.fill(0)
  }
}

/** Join byte arrays into a fresh one. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const out = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}

/** A value that {@link encodeFields} can encode. */
export type Field = string | number | Uint8Array

const TAG = Object.freeze({ text: 0x73, number: 0x6e, bytes: 0x62 })

/**
 * Encode a list of fields so that no two lists share an encoding.
 *
 * Per field: 1 byte type (`s` text, `n` number, `b` bytes) | 4 bytes length, big-endian | content. Text is UTF-8; a
 * number is a non-negative safe integer in decimal.
 */
export function encodeFields(...fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const field of fields) {
    const tag =
      typeof field === 'string' ? TAG.text : typeof field === 'number' ? TAG.number : TAG.bytes
    const content = isBytes(field) ? field : utf8Bytes(String(field))
    const head = new Uint8Array(5)
    head[0] = tag
    new DataView(head.buffer).setUint32(1, content.length)
    parts.push(head, content)
  }
  return concatBytes(...parts)
}
