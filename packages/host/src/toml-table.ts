/** Tables of a parsed TOML document. */
import { TomlDate, type TomlValue } from 'smol-toml'

/** A table by the names of its keys. */
export type TomlTable = { readonly [name: string]: TomlValue }

export const NO_TABLE: TomlTable = Object.freeze({})

/** The value as a table; `undefined` when it is none. */
export function asTable(value: TomlValue | undefined): TomlTable | undefined {
  const plain = typeof value === 'object' && !Array.isArray(value) && !(value instanceof TomlDate)
  return plain ? (value as TomlTable) : undefined
}
