/**
 * UUIDs of secrets: 16 bytes on the wire, in text 32 hexadecimal digits.
 *
 * Source: libvirt, virUUIDParse and virUUIDFormat of src/util/viruuid.c.
 */

/** Length of a UUID in bytes, `VIR_UUID_BUFLEN`. */
export const UUID_BYTES = 16

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const PAIR = /^[0-9a-fA-F]{2}$/
const DASH = 0x2d
/** Digits of each byte. Every call over the wire needs some: made one by one, they cost a tenth of a look-up. */
const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)
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
  const bytes = new Uint8Array(UUID_BYTES)
  for (let at = 0, place = 0; at < UUID_BYTES; at++, place += 2) {
    if (uuid.charCodeAt(place) === DASH) place++
    bytes[at] = (digitAt(uuid, place) << 4) | digitAt(uuid, place + 1)
  }
  return bytes
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
  let text = ''
  for (let at = 0; at < UUID_BYTES; at++) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += '-'
    text += PAIRS[bytes[at] as number]
  }
  return text
}

/** Value of a digit in lower case. */
function digitAt(text: string, place: number): number {
  const code = text.charCodeAt(place)
  return code < 0x3a ? code - 0x30 : code - 0x57
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
