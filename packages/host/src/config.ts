/**
 * The one TOML configuration file. It is read whole or not at all: an unknown key, a wrong value or an unsafe file
 * refuses it, and all faults are told at once with their lines.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { distance } from 'fastest-levenshtein'
import { parse, TomlDate, TomlError, type TomlValue } from 'smol-toml'
import type { ConfigRow } from './config-row.ts'
import { CONFIG_KEYS, CONFIG_ROWS } from './config-schema.ts'
import type { Config, ConfigZone } from './config-values.ts'
import {
  closestZoneKey,
  isConfigZoneName,
  ZONE_FIELDS,
  ZONE_NAME_FORM,
  ZONES_SECTION,
} from './config-zones.ts'
import { ConfigError, type ConfigFault } from './errors.ts'
import { roomFaults } from './room-thresholds.ts'
import { formatTomlKey, locateTomlKeys, type TextPosition } from './toml-locator.ts'

/** Largest configuration file in bytes. */
export const MAX_CONFIG_BYTES: number = 1024 * 1024

/** A configuration with the places of its keys, for checks that only its user can make. */
export interface LoadedConfig {
  readonly config: Config
  /** File as it was named. */
  readonly file: string
  /** A fault at the place where a key stands, or of the file when the key is not in it. */
  fault(name: string, message: string): ConfigFault
}

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions {
  /** User that may own the file beside root. Default: the effective user of the process. */
  readonly uid?: number
}

type Table = { readonly [name: string]: TomlValue }
type Row = ConfigRow<unknown>

const ROW_BY_NAME: ReadonlyMap<string, Row> = new Map(
  Object.values(CONFIG_ROWS).flatMap((section) =>
    Object.values(section as Readonly<Record<string, Row>>).map((row) => [row.name, row] as const),
  ),
)
const SECTIONS: ReadonlySet<string> = new Set(Object.keys(CONFIG_ROWS))
const NO_TABLE: Table = Object.freeze({})

/**
 * Read and check a configuration file.
 *
 * @param file - Path; a symbolic link is followed, its target is what is checked.
 * @throws ConfigError when it cannot be read, is not a regular file, is larger than {@link MAX_CONFIG_BYTES}, belongs
 * to a user other than root and `uid`, may be written by its group or others, or holds any fault.
 */
export function loadConfig(file: string, options: LoadConfigOptions = {}): LoadedConfig {
  return parseConfigBytes(readSafely(file, options.uid ?? process.geteuid?.() ?? 0), file)
}

/**
 * Check the text of a configuration file.
 *
 * @param source - TOML text, or its bytes, which must be UTF-8.
 * @param file - Name that faults carry.
 * @throws ConfigError with every fault.
 *
 * @example
 * ```ts
 * const { config } = parseConfig('[session]\ntimeout = 600\n', 'config.toml')
 * config.session.timeoutSeconds // 600
 * ```
 */
export function parseConfig(source: string | Uint8Array, file: string): LoadedConfig {
  if (typeof source !== 'string') return parseConfigBytes(source, file)
  const table = parseToml(source, file)
  const positions = locateTomlKeys(source)
  const faults: ConfigFault[] = []
  const faultAt = (segments: readonly string[], message: string): ConfigFault => ({
    file,
    ...onlyLine(positions.of(segments)),
    message,
  })
  for (const segments of unknownKeys(table)) faults.push(faultAt(segments, unknownKey(segments)))
  const config = readValues(table, (segments, message) => faults.push(faultAt(segments, message)))
  if (config.session.absoluteTimeoutSeconds < config.session.timeoutSeconds) {
    const given = Object.hasOwn(asTable(table['session']) ?? {}, 'absolute_timeout')
    faults.push(
      faultAt(
        ['session', given ? 'absolute_timeout' : 'timeout'],
        `session.absolute_timeout (${config.session.absoluteTimeoutSeconds}) must not be less than session.timeout (${config.session.timeoutSeconds})`,
      ),
    )
  }
  for (const { key, message } of roomFaults(config.audit, asTable(table['audit']) ?? {})) {
    faults.push(faultAt(['audit', key], message))
  }
  if (faults.length > 0) throw new ConfigError(faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)))
  return { config, file, fault: (name, message) => faultAt(name.split('.'), message) }
}

function parseConfigBytes(bytes: Uint8Array, file: string): LoadedConfig {
  return parseConfig(decodeUtf8(bytes, file), file)
}

function readSafely(file: string, uid: number): Uint8Array {
  let handle: number
  try {
    // Without O_NONBLOCK the open of a FIFO would wait for a writer.
    handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error'
    throw new ConfigError([{ file, message: `cannot be read (${code})` }], { cause })
  }
  try {
    const stat = fstatSync(handle)
    const faults: ConfigFault[] = []
    const refuse = (message: string): unknown => faults.push({ file, message })
    if (!stat.isFile()) refuse('is not a regular file')
    if (stat.size > MAX_CONFIG_BYTES) refuse(`is larger than ${MAX_CONFIG_BYTES} bytes`)
    if (stat.uid !== 0 && stat.uid !== uid) {
      refuse(`belongs to user ${stat.uid}; expected root or user ${uid}`)
    }
    if ((stat.mode & 0o022) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
      refuse(`can be written by its group or others (mode ${mode}); run chmod go-w`)
    }
    if (faults.length > 0) throw new ConfigError(faults)
    return readFileSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** smol-toml does not check the encoding (its README, "Known deviations"). */
function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    const good = new TextDecoder('utf-8').decode(bytes).split('\ufffd', 1)[0] ?? ''
    const line = good.split('\n').length
    throw new ConfigError([{ file, line, message: 'is not valid UTF-8' }], { cause })
  }
}

function parseToml(text: string, file: string): Table {
  try {
    return parse(text, { integersAsBigInt: true, maxDepth: 32 })
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    // Only the first line: the rest shows the text, which may hold what must not be shown.
    const message = (cause.message.split('\n', 1)[0] ?? '').replace('Invalid TOML document: ', '')
    throw new ConfigError([
      { file, line: cause.line, column: cause.column, message: `not valid TOML: ${message}` },
    ])
  }
}

function asTable(value: TomlValue | undefined): Table | undefined {
  const plain = typeof value === 'object' && !Array.isArray(value) && !(value instanceof TomlDate)
  return plain ? (value as Table) : undefined
}

/** Every leaf that no row names, each with its full path; an empty unknown table is a leaf. */
function unknownKeys(table: Table, path: readonly string[] = []): (readonly string[])[] {
  return Object.entries(table).flatMap(([name, value]) => {
    const segments = [...path, name]
    if (path.length === 0 && name === ZONES_SECTION) return unknownZoneKeys(value)
    // A name that itself holds a dot is another key than the dotted one that it looks like.
    if (!name.includes('.') && ROW_BY_NAME.has(segments.join('.'))) return []
    const inner = asTable(value)
    const known = path.length === 0 && SECTIONS.has(name)
    if (inner !== undefined && (known || Object.keys(inner).length > 0)) {
      return unknownKeys(inner, segments)
    }
    return known ? [] : [segments]
  })
}

/** The same below `zones`, where the names of the tables are no keys. */
function unknownZoneKeys(zones: TomlValue): (readonly string[])[] {
  return Object.entries(asTable(zones) ?? NO_TABLE).flatMap(([zone, value]) =>
    Object.entries(asTable(value) ?? NO_TABLE)
      .filter(([name]) => !ZONE_FIELDS.has(name))
      .flatMap(([name, inner]) => leavesOf([ZONES_SECTION, zone, name], inner)),
  )
}

function leavesOf(path: readonly string[], value: TomlValue): (readonly string[])[] {
  const inner = Object.entries(asTable(value) ?? NO_TABLE)
  return inner.length === 0 ? [path] : inner.flatMap(([name, of]) => leavesOf([...path, name], of))
}

function unknownKey(segments: readonly string[]): string {
  const name = formatTomlKey(segments)
  const zoneKey = closestZoneKey(segments)
  const isOfZone = segments.length > 2 && segments[0] === ZONES_SECTION
  const otherKey = isOfZone ? undefined : closestKey(segments.join('.'))
  const closest = zoneKey === undefined ? otherKey : formatTomlKey(zoneKey)
  const hint = closest === undefined ? '' : `; did you mean ${quoted(closest)}?`
  return `unknown key ${quoted(name)}${hint}`
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

type Report = (segments: readonly string[], message: string) => void

function readValues(table: Table, report: Report): Config {
  const config: Record<string, unknown> = {}
  for (const [section, rows] of Object.entries(CONFIG_ROWS)) {
    const given = Object.hasOwn(table, section) ? table[section] : {}
    const inner = asTable(given)
    if (inner === undefined) {
      report([section], `${section}: expected a table, got ${describe(given)}`)
    }
    const values: Record<string, unknown> = {}
    for (const [field, row] of Object.entries(rows as Readonly<Record<string, Row>>)) {
      const [, key = ''] = row.name.split('.')
      values[field] = readValue(row, inner ?? NO_TABLE, [section, key], report)
    }
    config[section] = Object.freeze(values)
  }
  config[ZONES_SECTION] = readZones(table, report)
  return Object.freeze(config) as unknown as Config
}

function readZones(table: Table, report: Report): ReadonlyMap<string, ConfigZone> {
  const zones = new Map<string, ConfigZone>()
  const given = Object.hasOwn(table, ZONES_SECTION) ? table[ZONES_SECTION] : {}
  const tables = asTable(given)
  if (tables === undefined) {
    report([ZONES_SECTION], `${ZONES_SECTION}: expected a table, got ${describe(given)}`)
  }
  for (const [name, zone] of Object.entries(tables ?? NO_TABLE)) {
    const path = [ZONES_SECTION, name]
    const inner = asTable(zone)
    if (!isConfigZoneName(name)) {
      report(path, `${ZONES_SECTION}: expected ${ZONE_NAME_FORM}, got ${describe(name)}`)
    } else if (inner === undefined) {
      report(path, `${formatTomlKey(path)}: expected a table, got ${describe(zone)}`)
    } else {
      const values = [...ZONE_FIELDS].map(([key, [field, row]]) => {
        return [field, readValue(row, inner, [...path, key], report)] as const
      })
      zones.set(name, Object.freeze(Object.fromEntries(values)) as unknown as ConfigZone)
    }
  }
  return zones
}

/** @param segments - names of the key from the root; the last is its name in the table */
function readValue(row: Row, table: Table, segments: readonly string[], report: Report): unknown {
  const key = segments.at(-1) ?? ''
  if (!Object.hasOwn(table, key)) return row.fallback
  const given = table[key]
  const result = row.schema.safeParse(given)
  if (result.success) return result.data
  const got = row.sensitive ? kindOf(given) : describe(given)
  report(segments, `${formatTomlKey(segments)}: expected ${row.expected}, got ${got}`)
  return row.fallback
}

function kindOf(value: unknown): string {
  if (typeof value === 'bigint') return 'an integer'
  if (typeof value === 'number') return 'a float'
  if (typeof value === 'boolean') return 'a boolean'
  if (typeof value === 'string') return 'other text'
  if (value instanceof TomlDate) return 'a date or time'
  return Array.isArray(value) ? 'a list' : 'a table'
}

/** A wrong value in words: numbers and short texts as they are, the rest by its kind. */
function describe(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return `the float ${value}`
  if (typeof value === 'string' && value.length <= 128) return JSON.stringify(value)
  return kindOf(value)
}

function onlyLine(position: TextPosition | undefined): { line?: number } {
  return position === undefined ? {} : { line: position.line }
}
