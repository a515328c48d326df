/**
 * Tables with names of the user's own, such as `[zones.NAME]`: as many as there are, each with the same keys. Their rows
 * are read apart from those with one place each.
 */
import { type ConfigKey, type ConfigRow, keyOf } from './config-row.ts'

/** The keys of one of them, in the shape of `T`. */
export type NamedRows<T> = { readonly [F in keyof T]-?: ConfigRow<T[F]> }

/** Tables of one kind. */
export interface NamedTables {
  /** Names from the root to what they are below, for example `['zones']`. */
  readonly path: readonly string[]
  /** Keys by their last names. */
  readonly fields: ReadonlyMap<string, readonly [field: string, row: ConfigRow<unknown>]>
  /** The same as a user may read them, with `NAME` for the name of the table. */
  readonly keys: readonly ConfigKey[]
  /** What a name may be, in words. */
  readonly nameForm: string
  readonly isName: (name: string) => boolean
}

const NAME = /^[A-Za-z0-9._-]{1,64}$/

/** What most names may be, in words. */
export const NAME_FORM = 'a name of 1 to 64 letters, digits, ".", "_" and "-", not "." or ".."'

/** Tell whether a text is such a name. */
export function isPlainName(name: string): boolean {
  return NAME.test(name) && name !== '.' && name !== '..'
}

/** @param rows - named `PATH.NAME.key` */
export function namedTables<T>(path: readonly string[], rows: NamedRows<T>): NamedTables {
  const entries = Object.entries(rows as Readonly<Record<string, ConfigRow<unknown>>>)
  return Object.freeze({
    path,
    fields: new Map(entries.map(([field, row]) => [lastName(row.name), [field, row] as const])),
    keys: Object.freeze(entries.map(([, row]) => keyOf(row))),
    nameForm: NAME_FORM,
    isName: isPlainName,
  })
}

function lastName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
