/** A configuration as it may leave the machine: in a support document, for example. */
import * as z from 'zod'
import type { ConfigRow } from './config-row.ts'
import { CONFIG_ROWS, NAMED_TABLES } from './config-schema.ts'
import type { Config } from './config-values.ts'

/**
 * Values by the dotted names of their keys: numbers, switches and fixed words as they are. Of any other text, which may
 * be a path or a name, only whether it is the default (`default`), another (`given`) or none (`none`); of a list how long
 * it is, and of zones, tenants and issuers how many there are.
 *
 * @returns a fresh object
 */
export function summarizeConfig(config: Config): Record<string, string | number | boolean> {
  const summary: Record<string, string | number | boolean> = {}
  for (const [section, rows] of Object.entries(CONFIG_ROWS)) {
    const values = valueAt(config, section.split('.')) as Readonly<Record<string, unknown>>
    for (const [field, row] of Object.entries(rows as Readonly<Record<string, Row>>)) {
      summary[row.name] = summaryOf(row, values[field])
    }
  }
  for (const { path } of NAMED_TABLES) {
    summary[path.join('.')] =
      `${(valueAt(config, path) as ReadonlyMap<string, unknown>).size} given`
  }
  return summary
}

function valueAt(config: Config, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config)
}

type Row = ConfigRow<unknown>

function summaryOf(row: Row, value: unknown): string | number | boolean {
  if (value === undefined) return 'none'
  if (Array.isArray(value)) return `${value.length} given`
  if (row.sensitive) return 'given'
  // A mode is text in the file.
  if (typeof value === 'number' && row.type === 'string') return `0${value.toString(8)}`
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'string' && row.schema instanceof z.ZodEnum) return value
  return value === row.fallback ? 'default' : 'given'
}
