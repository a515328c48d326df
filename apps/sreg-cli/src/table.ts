/** Tables for people: left-aligned columns, two blanks apart, every cell made printable. */
import { printable } from './escape.ts'

/** Format rows under a heading; the last column is not padded. */
export function formatTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cells = [heading, ...rows.map((row) => row.map(printable))]
  const widths = heading.map((_, column) =>
    cells.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  )
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2),
        )
        .join('')
        .trimEnd(),
    )
    .join('\n')
}

/** Format names and values, one a line; absent values are left out. */
export function formatPairs(pairs: readonly (readonly [string, string | undefined])[]): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined)
  const width = shown.reduce((most, [name]) => Math.max(most, name.length + 1), 0)
  return shown
    .map(([name, value]) => `${`${name}:`.padEnd(width + 2)}${printable(value)}`)
    .join('\n')
}
