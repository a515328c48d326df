/**
 * Text and bytes, with Node's native conversions where they exist and the standard ones elsewhere. Both give the same
 * bytes; the tests compare them.
 */

/** The parts of Node's Buffer that are used; all of them accept any Uint8Array as receiver. */
interface NativeBuffer {
  allocUnsafe(size: number): Uint8Array
  byteLength(text: string): number
  prototype: {
    latin1Slice(this: Uint8Array, start: number, end: number): string
    utf8Slice(this: Uint8Array, start: number, end: number): string
    latin1Write(this: Uint8Array, text: string, offset: number): number
    utf8Write(this: Uint8Array, text: string, offset: number): number
    indexOf(this: Uint8Array, byte: number, from: number): number
  }
}

/** Conversions that a codec needs. */
export interface TextCodec {
  /** Uninitialised or zeroed bytes; the caller overwrites all of them. */
  allocate(size: number): Uint8Array
  /** Bytes of a well-formed text in UTF-8. */
  utf8Length(text: string): number
  /** Write a text of `byteLength` UTF-8 bytes at an offset. */
  write(target: Uint8Array, offset: number, text: string, byteLength: number): void
  /** Text of bytes that are known to be ASCII. */
  ascii(bytes: Uint8Array, start: number, end: number): string
  /** Text of UTF-8 bytes; throws a TypeError if they are not. A byte order mark stays. */
  utf8(bytes: Uint8Array): string
  /** Index of the next such byte from an index on, or the number of bytes. */
  indexOf(bytes: Uint8Array, byte: number, from: number): number
}

const REPLACEMENT = '\ufffd'

/** Conversions of the Encoding standard, present everywhere. */
export function standardText(): TextCodec {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  return {
    allocate: (size) => new Uint8Array(size),
    utf8Length,
    write: (target, offset, text) => {
      encoder.encodeInto(text, target.subarray(offset))
    },
    ascii: (bytes, start, end) => decoder.decode(bytes.subarray(start, end)),
    utf8: (bytes) => decoder.decode(bytes),
    indexOf: (bytes, byte, from) => foundOrEnd(bytes.indexOf(byte, from), bytes),
  }
}

/** Conversions through Node's Buffer, or undefined where there is none (or only an imitation without natives). */
export function nativeText(): TextCodec | undefined {
  const native = (globalThis as { Buffer?: NativeBuffer }).Buffer
  if (typeof native?.prototype?.latin1Slice !== 'function') return undefined
  const { latin1Slice, utf8Slice, latin1Write, utf8Write, indexOf } = native.prototype
  const functions = [
    indexOf,
    utf8Slice,
    latin1Write,
    utf8Write,
    native.byteLength,
    native.allocUnsafe,
  ]
  if (!functions.every((candidate) => typeof candidate === 'function')) return undefined
  const standard = standardText()
  return {
    allocate: (size) => native.allocUnsafe(size),
    utf8Length: (text) => native.byteLength(text),
    write: (target, offset, text, byteLength) => {
      if (byteLength === text.length) latin1Write.call(target, text, offset)
      else utf8Write.call(target, text, offset)
    },
    ascii: (bytes, start, end) => latin1Slice.call(bytes, start, end),
    utf8: (bytes) => {
      const latin1 = latin1Slice.call(bytes, 0, bytes.length)
      // Measured on 1 MiB: this and counting its UTF-8 bytes takes half of the time of decoding ASCII as UTF-8.
      if (native.byteLength(latin1) === bytes.length) return latin1
      const text = utf8Slice.call(bytes, 0, bytes.length)
      // utf8Slice turns what is not UTF-8 into U+FFFD; only a text that has one needs the strict decoder.
      return text.includes(REPLACEMENT) ? standard.utf8(bytes) : text
    },
    indexOf: (bytes, byte, from) => foundOrEnd(indexOf.call(bytes, byte, from), bytes),
  }
}

function foundOrEnd(index: number, bytes: Uint8Array): number {
  return index < 0 ? bytes.length : index
}

function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    length += unit < 0x800 ? 1 : 2
    // A surrogate pair is two units and four bytes.
    if (unit >= 0xd800 && unit < 0xdc00) {
      i++
    }
  }
  return length
}

/** The conversions of this runtime. */
export const TEXT: TextCodec = nativeText() ?? standardText()

/** Tell whether a text has no surrogate without its partner, that is, whether it has a UTF-8 form. */
export function isWellFormed(text: string): boolean {
  const method = (text as { isWellFormed?: () => boolean }).isWellFormed
  return typeof method === 'function' ? method.call(text) : !/\p{Surrogate}/u.test(text)
}
