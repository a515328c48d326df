/** A secret as both sides name it (libvirt, remote_protocol.x: remote_nonnull_secret). */
import { UUID_BYTES, uuidBytes, uuidOf } from '../secret/uuid.ts'
import type { XdrReader } from './xdr-reader.ts'
import { INT, STRING, struct, type XdrType } from './xdr-type.ts'
import type { XdrWriter } from './xdr-writer.ts'

/** 16 bytes on the wire, canonical text here. */
export const UUID: XdrType<string> = Object.freeze<XdrType<string>>({
  read: (reader: XdrReader) => uuidOf(reader.fixed(UUID_BYTES)),
  write: (writer: XdrWriter, value: string) => writer.fixed(uuidBytes(value), UUID_BYTES),
})

/** What a secret is called. A server goes by the UUID alone, whatever the rest says. */
export interface SecretHandle {
  /** In canonical form. */
  readonly uuid: string
  /** One of `USAGE_NUMBERS`, or a number of a newer server. */
  readonly usageType: number
  /** Empty for a secret that nothing names. */
  readonly usageId: string
}

export const SECRET_HANDLE: XdrType<SecretHandle> = struct<SecretHandle>({
  uuid: UUID,
  usageType: INT,
  usageId: STRING,
})
