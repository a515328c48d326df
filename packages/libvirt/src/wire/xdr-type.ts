/** Types of XDR as values that read and write, so that both halves share one description of each message. */
import { LIBVIRT_LIMITS } from './limits.ts'
import type { XdrReader } from './xdr-reader.ts'
import type { XdrWriter } from './xdr-writer.ts'

/** How one type is read and written. */
export interface XdrType<T> {
  /** @throws LibvirtError 39 for bytes that are not such a value */
  read(reader: XdrReader): T
  /** @throws TypeError, RangeError for what is not such a value; LibvirtError 39 for one that is too long */
  write(writer: XdrWriter, value: T): void
}

/** The values a type reads and writes. */
export type XdrValue<T> = T extends XdrType<infer V> ? V : never

/** Nothing at all: the arguments or results of procedures that have none. */
export const NOTHING: XdrType<undefined> = Object.freeze<XdrType<undefined>>({
  read: () => undefined,
  write: () => {},
})

export const INT: XdrType<number> = Object.freeze<XdrType<number>>({
  read: (reader) => reader.int(),
  write: (writer, value) => writer.int(value),
})

export const UINT: XdrType<number> = Object.freeze<XdrType<number>>({
  read: (reader) => reader.uint(),
  write: (writer, value) => writer.uint(value),
})

export const UHYPER: XdrType<bigint> = Object.freeze<XdrType<bigint>>({
  read: (reader) => reader.uhyper(),
  write: (writer, value) => writer.uhyper(value),
})

/** Text of at most 4 MiB. */
export const STRING: XdrType<string> = Object.freeze<XdrType<string>>({
  read: (reader) => reader.string(LIBVIRT_LIMITS.stringBytes),
  write: (writer, value) => writer.string(value, LIBVIRT_LIMITS.stringBytes),
})

/** At most so many bytes; what is read is a view of the message. */
export function opaque(most: number): XdrType<Uint8Array> {
  return {
    read: (reader) => reader.opaque(most),
    write: (writer, value) => writer.opaque(value, most),
  }
}

/** A value that may be absent. */
export function optional<T>(type: XdrType<T>): XdrType<T | undefined> {
  return {
    read: (reader) => (reader.flag() ? type.read(reader) : undefined),
    write: (writer, value) => {
      writer.flag(value !== undefined)
      if (value !== undefined) type.write(writer, value)
    },
  }
}

/** At most so many values. */
export function list<T>(type: XdrType<T>, most: number): XdrType<readonly T[]> {
  return {
    read: (reader) => {
      const count = reader.count(most)
      const items: T[] = []
      while (items.length < count) items.push(type.read(reader))
      return items
    },
    write: (writer, value) => {
      if (!Array.isArray(value)) throw new TypeError(`list: expected an array, got ${typeof value}`)
      writer.count(value.length, most)
      for (const item of value as readonly T[]) type.write(writer, item)
    },
  }
}

/** Named values, in the order in which the fields are given. */
export function struct<T extends object>(
  fields: {
    readonly [K in keyof T]: XdrType<T[K]>
  },
): XdrType<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  return {
    read: (reader) => {
      const value: Partial<T> = {}
      for (const name of names) value[name] = fields[name].read(reader)
      return value as T
    },
    write: (writer, value) => {
      if (typeof value !== 'object' || value === null) {
        throw new TypeError(
          `struct: expected an object, got ${value === null ? 'null' : typeof value}`,
        )
      }
      for (const name of names) fields[name].write(writer, value[name])
    },
  }
}
