/**
 * The form of records about entries:
 *
 * ```
 * off  size  field
 * 0    1     format, 2
 * 1    1     flags: 1 encrypted, 2 private, 4 ephemeral, 8 not to be read, 16 value follows, 32 expires, 64 destroyed
 * 2    4     length n of the header, big-endian
 * 6    n     header, JSON
 * 6+n  m     value: bytes of a plain value, or the sealed blob
 * ```
 * The flags stand before the header so that a listing need not read it. The row's check value and tag cover all of
 * it together with its key, so a record put elsewhere fails (DESIGN §5, §6).
 */
import { SecregError } from '@secreg/protocol'

const FORMAT = 2
const HEADER_AT = 6

export const FLAG: Readonly<
  Record<
    'encrypted' | 'private' | 'ephemeral' | 'hidden' | 'value' | 'expires' | 'destroyed',
    number
  >
> = Object.freeze({
  encrypted: 1,
  private: 2,
  ephemeral: 4,
  hidden: 8,
  value: 16,
  expires: 32,
  destroyed: 64,
})

const decoder = new TextDecoder('utf-8', { fatal: true })

export interface DecodedRecord {
  readonly flags: number
  readonly header: unknown
  /** A view of the bytes. */
  readonly value?: Uint8Array
}

export function encodeRecord(
  flags: number,
  header: object,
  value: Uint8Array | undefined,
): Uint8Array {
  const text = JSON.stringify(header)
  const size = Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafeSlow(HEADER_AT + size + (value?.length ?? 0))
  bytes[0] = FORMAT
  bytes[1] = value === undefined ? flags : flags | FLAG.value
  bytes.writeUInt32BE(size, 2)
  bytes.write(text, HEADER_AT, 'utf8')
  if (value !== undefined) bytes.set(value, HEADER_AT + size)
  return bytes
}

/**
 * Read a record and make something of it.
 *
 * @throws SecregError `ERR_STORAGE_CORRUPT`
 */
export function decodeRecord<T>(bytes: Uint8Array, make: (record: DecodedRecord) => T): T {
  try {
    const flags = bytes[1]
    if (bytes[0] !== FORMAT || flags === undefined || bytes.length < HEADER_AT) throw corrupt()
    const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(2)
    if (HEADER_AT + size > bytes.length) throw corrupt()
    const header = JSON.parse(decoder.decode(bytes.subarray(HEADER_AT, HEADER_AT + size)))
    return make(
      (flags & FLAG.value) === 0
        ? { flags, header }
        : { flags, header, value: bytes.subarray(HEADER_AT + size) },
    )
  } catch (error) {
    throw SecregError.is(error) ? error : corrupt(error)
  }
}

/** Flags of a record, without reading the rest. */
export function flagsOf(bytes: Uint8Array): number {
  return bytes[1] ?? 0
}

export function corrupt(cause?: unknown): SecregError {
  return new SecregError('STORAGE_CORRUPT', 'a record of the store cannot be read', { cause })
}
