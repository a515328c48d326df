/**
 * UUIDs of secrets: 16 bytes on the wire, in text 32 hexadecimal digits.
 *
 * Source: libvirt, virUUIDParse and virUUIDFormat of src/util/viruuid.c.
 */

/** Length of a UUID in bytes, `VIR_UUID_BUFLEN`. */
export const UUID_BYTES = 16

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const PAIR = /^[0-9a-fA-F]{2}$/
/** Blanks of C's isspace, of which GLib leaves out the vertical tab. */
const AROUND = /[^ \t\n\f\r]/

/** Whether a text is a UUID in canonical form: lower case, 8-4-4-4-12 digits. */
export function isUuid(text: string): boolean {
  return CANONICAL.test(text)
}

/**
 * Read a UUID in any form libvirt takes: digits of either case in pairs, dashes and spaces between pairs or before the
 * first, blanks around. Any 16 bytes are a UUID, also zeros alone.
 *
 * @returns its canonical form; `undefined` where the text is no UUID
 */
export function parseUuid(text: string): string | undefined {
  if (typeof text !== 'string') throw new TypeError(`text must be a string, got ${typeof text}`)
  let digits = ''
  let at = text.search(AROUND)
  if (at < 0) return undefined
  while (digits.length < 2 * UUID_BYTES) {
    const char = text[at]
    if (char === '-' || char === ' ') {
      at++
      continue
    }
    const pair = text.slice(at, at + 2)
    if (!PAIR.test(pair)) return undefined
    digits += pair
    at += 2
  }
  return AROUND.test(text.slice(at)) ? undefined : dashed(digits.toLowerCase())
}

/**
 * The 16 bytes of a UUID, in a fresh array.
 *
 * @param uuid - in canonical form
 */
export function uuidBytes(uuid: string): Uint8Array {
  if (typeof uuid !== 'string') throw new TypeError(`uuid must be a string, got ${typeof uuid}`)
  if (!isUuid(uuid)) throw new RangeError('uuid must be a UUID in canonical form')
  const digits = uuid.replaceAll('-', '')
  return Uint8Array.from({ length: UUID_BYTES }, (_, at) =>
    Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  )
}

/**
 * The canonical form of a UUID.
 *
 * @param bytes - 16 of them
 */
export function uuidOf(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('bytes must be a Uint8Array')
  if (bytes.length !== UUID_BYTES) {
    throw new RangeError(`bytes must be ${UUID_BYTES} bytes, got ${bytes.length}`)
  }
  return dashed(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''))
}

function dashed(digits: string): string {
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-')
}
