/** Typed parameters (libvirt, remote_protocol.x: remote_typed_param), as CONNECT_SET_IDENTITY takes them. */
import { LIBVIRT_ERRORS } from './errors.ts'
import { LIBVIRT_LIMITS } from './limits.ts'
import type { XdrReader } from './xdr-reader.ts'
import type { XdrType } from './xdr-type.ts'
import type { XdrWriter } from './xdr-writer.ts'

/** A value and its type. */
export type TypedValue =
  | { readonly type: 'int' | 'uint' | 'double'; readonly value: number }
  | { readonly type: 'llong' | 'ullong'; readonly value: bigint }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }

/** A named value. */
export type TypedParam = { readonly field: string } & TypedValue

/** `VIR_TYPED_PARAM_*`. */
const NUMBERS: Readonly<Record<TypedValue['type'], number>> = Object.freeze({
  int: 1,
  uint: 2,
  llong: 3,
  ullong: 4,
  double: 5,
  boolean: 6,
  string: 7,
})

const MOST = LIBVIRT_LIMITS.stringBytes

export const TYPED_PARAM: XdrType<TypedParam> = Object.freeze<XdrType<TypedParam>>({
  read: (reader: XdrReader) => ({ field: reader.string(MOST), ...readValue(reader) }),
  write: (writer: XdrWriter, param: TypedParam) => {
    if (!Object.hasOwn(NUMBERS, param.type)) {
      throw new TypeError(`type: expected one of ${Object.keys(NUMBERS).join(', ')}`)
    }
    writer.string(param.field, MOST)
    writer.int(NUMBERS[param.type])
    writeValue(writer, param)
  },
})

function readValue(reader: XdrReader): TypedValue {
  const type = reader.int()
  switch (type) {
    case NUMBERS.int:
      return { type: 'int', value: reader.int() }
    case NUMBERS.uint:
      return { type: 'uint', value: reader.uint() }
    case NUMBERS.llong:
      return { type: 'llong', value: reader.hyper() }
    case NUMBERS.ullong:
      return { type: 'ullong', value: reader.uhyper() }
    case NUMBERS.double:
      return { type: 'double', value: reader.double() }
    case NUMBERS.boolean:
      return { type: 'boolean', value: reader.flag() }
    case NUMBERS.string:
      return { type: 'string', value: reader.string(MOST) }
    default:
      throw LIBVIRT_ERRORS.undecodable()
  }
}

function writeValue(writer: XdrWriter, param: TypedValue): void {
  switch (param.type) {
    case 'int':
      writer.int(param.value)
      break
    case 'uint':
      writer.uint(param.value)
      break
    case 'llong':
      writer.hyper(param.value)
      break
    case 'ullong':
      writer.uhyper(param.value)
      break
    case 'double':
      writer.double(param.value)
      break
    case 'boolean':
      writer.flag(param.value)
      break
    case 'string':
      writer.string(param.value, MOST)
  }
}
