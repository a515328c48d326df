/** What stands in a configuration file and is no key of it, with the key that was most likely meant. */
import { distance } from 'fastest-levenshtein'
import type { TomlValue } from 'smol-toml'
import type { NamedTables } from './config-named-tables.ts'
import { CONFIG_KEYS, CONFIG_ROWS, NAMED_TABLES } from './config-schema.ts'
import { formatTomlKey } from './toml-locator.ts'
import { asTable, NO_TABLE, type TomlTable } from './toml-table.ts'

const KEY_NAMES: ReadonlySet<string> = new Set(CONFIG_KEYS.map(({ name }) => name))
const SECTIONS: ReadonlySet<string> = new Set(Object.keys(CONFIG_ROWS))

/** Every leaf that no row names, each with its full path; an empty unknown table is a leaf. */
export function unknownKeys(table: TomlTable, path: readonly string[] = []): (readonly string[])[] {
  return Object.entries(table).flatMap(([name, value]) => {
    const segments = [...path, name]
    // A name that itself holds a dot is another key than the dotted one that it looks like.
    const plain = segments.some((segment) => segment.includes('.')) ? '' : segments.join('.')
    const named = NAMED_TABLES.find((tables) => tables.path.join('.') === plain)
    if (named !== undefined) return unknownNamedKeys(named, value)
    if (KEY_NAMES.has(plain)) return []
    const inner = asTable(value)
    const known = SECTIONS.has(plain)
    if (inner !== undefined && (known || Object.keys(inner).length > 0)) {
      return unknownKeys(inner, segments)
    }
    return known ? [] : [segments]
  })
}

/** The same below named tables, where the names of the tables are no keys. */
function unknownNamedKeys({ path, fields }: NamedTables, given: TomlValue): (readonly string[])[] {
  return Object.entries(asTable(given) ?? NO_TABLE).flatMap(([table, value]) =>
    Object.entries(asTable(value) ?? NO_TABLE)
      .filter(([name]) => !fields.has(name))
      .flatMap(([name, inner]) => leavesOf([...path, table, name], inner)),
  )
}

function leavesOf(path: readonly string[], value: TomlValue): (readonly string[])[] {
  const inner = Object.entries(asTable(value) ?? NO_TABLE)
  return inner.length === 0 ? [path] : inner.flatMap(([name, of]) => leavesOf([...path, name], of))
}

/** What is said of one, by its names from the root. */
export function unknownKey(segments: readonly string[]): string {
  const named = closestNamedKey(segments)
  const other = isInNamedTable(segments) ? undefined : closestKey(segments.join('.'))
  const closest = named === undefined ? other : formatTomlKey(named)
  const hint = closest === undefined ? '' : `; did you mean ${quoted(closest)}?`
  return `unknown key ${quoted(formatTomlKey(segments))}${hint}`
}

function quoted(name: string): string {
  const quote = name.includes('"') ? "'" : '"'
  return `${quote}${name}${quote}`
}

/** The key that was most likely meant; undefined when none is near. */
function closestKey(name: string): string | undefined {
  // A long name could make the distance dear, and is near to nothing.
  if (name.length > 128) return undefined
  const last = name.slice(name.lastIndexOf('.') + 1)
  const ranked = CONFIG_KEYS.map((key) => {
    // A key in the wrong section, or without one, is told by its last name.
    const own = key.name.slice(key.name.lastIndexOf('.') + 1)
    return { name: key.name, steps: own === last ? 0 : distance(name, key.name) }
  }).sort((a, b) => a.steps - b.steps)
  const best = ranked[0]
  return best !== undefined && best.steps <= Math.max(3, name.length / 2) ? best.name : undefined
}

function isInNamedTable(segments: readonly string[]): boolean {
  return NAMED_TABLES.some(
    ({ path }) =>
      segments.length > path.length + 1 && path.every((name, at) => segments[at] === name),
  )
}

/** The same for a key of a named table, as names from the root. */
function closestNamedKey(segments: readonly string[]): readonly string[] | undefined {
  const last = segments.at(-1) ?? ''
  if (segments.some((segment) => segment.length > 64)) return undefined
  const near = NAMED_TABLES.flatMap(({ path, fields, isName }) => {
    // A name with a dot in it needs quotes, else it is a table in a table.
    const name = segments.slice(path.length, -1).join('.')
    const section = segments.slice(0, path.length).join('.')
    if (!isName(name) || distance(section, path.join('.')) > 2) return []
    return [...fields.keys()].map((own) => ({
      key: [...path, name, own],
      steps: distance(last, own),
    }))
  })
  const [best] = near.sort((a, b) => a.steps - b.steps)
  return best !== undefined && best.steps <= Math.max(2, last.length / 2) ? best.key : undefined
}
