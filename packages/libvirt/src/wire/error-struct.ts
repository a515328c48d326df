/** Errors as bodies of frames (libvirt, virnetprotocol.x: virNetMessageError). */
import { LibvirtError } from './libvirt-error.ts'
import { UUID } from './secret-handle.ts'
import { INT, optional, STRING, struct, type XdrType } from './xdr-type.ts'

/** An object an error is about; no daemon sends one with secrets. */
export interface DomainRef {
  readonly name: string
  readonly uuid: string
  readonly id: number
}

export interface NetworkRef {
  readonly name: string
  readonly uuid: string
}

/** Every field, as it is on the wire. */
export interface ErrorStruct {
  readonly code: number
  readonly domain: number
  readonly message: string | undefined
  readonly level: number
  readonly dom: DomainRef | undefined
  readonly str1: string | undefined
  readonly str2: string | undefined
  readonly str3: string | undefined
  readonly int1: number
  readonly int2: number
  readonly net: NetworkRef | undefined
}

export const ERROR_STRUCT: XdrType<ErrorStruct> = struct<ErrorStruct>({
  code: INT,
  domain: INT,
  message: optional(STRING),
  level: INT,
  dom: optional(struct<DomainRef>({ name: STRING, uuid: UUID, id: INT })),
  str1: optional(STRING),
  str2: optional(STRING),
  str3: optional(STRING),
  int1: INT,
  int2: INT,
  net: optional(struct<NetworkRef>({ name: STRING, uuid: UUID })),
})

/** An error as the class of this package; domains and networks are left out. */
export const ERROR: XdrType<LibvirtError> = Object.freeze<XdrType<LibvirtError>>({
  read: (reader) => new LibvirtError(ERROR_STRUCT.read(reader)),
  write: (writer, { code, domain, message, level, str1, str2, str3, int1, int2 }) =>
    ERROR_STRUCT.write(writer, {
      code,
      domain,
      message,
      level,
      dom: undefined,
      str1,
      str2,
      str3,
      int1,
      int2,
      net: undefined,
    }),
})
