/**
 * The one TOML configuration file. It is read whole or not at all: an unknown key, a wrong value or an unsafe file
 * refuses it, and all faults are told at once with their lines.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { parse, TomlDate, TomlError, type TomlValue } from 'smol-toml'
import type { NamedTables } from './config-named-tables.ts'
import type { ConfigRow } from './config-row.ts'
import { CONFIG_ROWS, NAMED_TABLES } from './config-schema.ts'
import { unknownKey, unknownKeys } from './config-unknown-keys.ts'
import type { Config } from './config-values.ts'
import { ConfigError, type ConfigFault } from './errors.ts'
import { roomFaults } from './room-thresholds.ts'
import { formatTomlKey, locateTomlKeys, type TextPosition } from './toml-locator.ts'
import { asTable, NO_TABLE, type TomlTable } from './toml-table.ts'

/** Largest configuration file in bytes. */
export const MAX_CONFIG_BYTES: number = 1024 * 1024

/** A configuration with the places of its keys, for checks that only its user can make. */
export interface LoadedConfig {
  readonly config: Config
  /** File as it was named. */
  readonly file: string
  /**
   * A fault at the place where a key stands, or of the file when the key is not in it.
   *
   * @param name - dotted; or the names from the root, where one of them may have a dot
   */
  fault(name: string | readonly string[], message: string): ConfigFault
}

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions {
  /** User that may own the file beside root. Default: the effective user of the process. */
  readonly uid?: number
}

type Row = ConfigRow<unknown>

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
  return {
    config,
    file,
    fault: (name, message) => faultAt(typeof name === 'string' ? name.split('.') : name, message),
  }
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

function parseToml(text: string, file: string): TomlTable {
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

type Report = (segments: readonly string[], message: string) => void

type Values = { [name: string]: unknown }

function readValues(table: TomlTable, report: Report): Config {
  const config: Values = {}
  for (const [section, rows] of Object.entries(CONFIG_ROWS)) {
    const path = section.split('.')
    const given = tableAt(table, path, report)
    const values: Values = {}
    for (const [field, row] of Object.entries(rows as Readonly<Record<string, Row>>)) {
      const key = row.name.slice(section.length + 1)
      values[field] = readValue(row, given, [...path, key], report)
    }
    place(config, path, values)
  }
  for (const tables of NAMED_TABLES) place(config, tables.path, readNamed(tables, table, report))
  return freeze(config) as unknown as Config
}

/** Sections come before those that are below them. */
function place(config: Values, path: readonly string[], value: unknown): void {
  const above = path.slice(0, -1)
  const inside = above.reduce((outer, name) => outer[name] as Values, config)
  inside[path.at(-1) ?? ''] = value
}

function freeze(values: Values): Values {
  for (const value of Object.values(values)) {
    if (typeof value === 'object' && value !== null && !(value instanceof Map)) {
      freeze(value as Values)
    }
  }
  return Object.freeze(values)
}

/** What stands at a path; what is above it is reported where it is read itself. */
function tableAt(root: TomlTable, path: readonly string[], report: Report): TomlTable {
  const name = path.at(-1) ?? ''
  const outer = path
    .slice(0, -1)
    .reduce((table, above) => asTable(ownValue(table, above)) ?? NO_TABLE, root)
  const given = ownValue(outer, name)
  if (given === undefined) return NO_TABLE
  const inner = asTable(given)
  if (inner !== undefined) return inner
  report(path, `${path.join('.')}: expected a table, got ${describe(given)}`)
  return NO_TABLE
}

function ownValue(table: TomlTable, name: string): TomlValue | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

function readNamed(
  { path, fields, isName, nameForm }: NamedTables,
  root: TomlTable,
  report: Report,
): ReadonlyMap<string, unknown> {
  const all = new Map<string, unknown>()
  for (const [name, value] of Object.entries(tableAt(root, path, report))) {
    const at = [...path, name]
    const inner = asTable(value)
    if (!isName(name)) {
      report(at, `${path.join('.')}: expected ${nameForm}, got ${describe(name)}`)
    } else if (inner === undefined) {
      report(at, `${formatTomlKey(at)}: expected a table, got ${describe(value)}`)
    } else {
      const values = [...fields].map(([key, [field, row]]) => {
        return [field, readValue(row, inner, [...at, key], report)] as const
      })
      all.set(name, Object.freeze(Object.fromEntries(values)))
    }
  }
  return all
}

/** @param segments - names of the key from the root; the last is its name in the table */
function readValue(
  row: Row,
  table: TomlTable,
  segments: readonly string[],
  report: Report,
): unknown {
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
