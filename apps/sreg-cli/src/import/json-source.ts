/** A JSON tree: objects become paths, scalars values of their types, arrays one value of type json each. */
import type { Path } from '@secreg/protocol'
import { CliError } from '../errors.ts'
import { EntryList, type Source } from './staged-entry.ts'

/** Levels that a path can have, and one to notice more. */
const MAX_DEPTH = 33

/**
 * Read the entries of a JSON tree.
 *
 * @throws CliError `INVALID_ARGUMENT` when it is no object, or something in it cannot be a key or a value
 */
export function readJsonTree(tree: unknown, prefix: Path | ''): Source {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree)) {
    throw new CliError('INVALID_ARGUMENT', 'a JSON tree must be an object')
  }
  const list = new EntryList()
  walk(tree as Record<string, unknown>, [], prefix, list)
  return { entries: list.finish(), skipped: {} }
}

function walk(
  node: Record<string, unknown>,
  names: readonly string[],
  prefix: Path | '',
  list: EntryList,
): void {
  for (const [name, value] of Object.entries(node)) {
    const path = [...names, name]
    if (typeof value === 'string') list.add(prefix, path, value, 'string')
    else if (typeof value === 'boolean') list.add(prefix, path, String(value), 'boolean')
    else if (typeof value === 'number' && Number.isInteger(value) && isExact(value)) {
      list.add(prefix, path, String(value), 'integer')
    } else if (isBranch(value) && path.length < MAX_DEPTH) walk(value, path, prefix, list)
    else if (isExact(value)) list.add(prefix, path, JSON.stringify(value), 'json')
    else list.fault(`${path.join('/')}: holds a whole number that JSON cannot carry exactly`)
  }
}

function isBranch(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length > 0
  )
}

/** Whether no whole number in it is beyond 2^53, where JSON.parse has already rounded it. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every(isExact)
}
