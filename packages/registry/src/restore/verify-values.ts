/** Reads every value that a store holds, as a drill of its restore does: what is there must be readable. */
import { isStorageError, type KeyedRow } from '@secreg/storage'
import type { Core } from '../core.ts'
import { type Entry, parseEntry } from '../entry.ts'
import { ENTRY_SPACE, pathOfEntryKey, valueKey, versionKey } from '../keys.ts'
import { numbersUp } from '../number-set.ts'
import { Pacer } from '../slices.ts'
import { decodeVersion } from '../version.ts'

/** What was found. */
export interface ValuesReport {
  readonly entries: number
  readonly versions: number
  /** Values that were opened under their key. */
  readonly sealed: number
  /** Versions that are not there or cannot be read. */
  readonly unreadable: number
  /** Paths of the first of them. */
  readonly paths: readonly string[]
}

const PAGE = 128
const PATHS = 20

/**
 * Read everything. The registry must be unsealed.
 *
 * @throws SecregError `ERR_SEALED`; StorageError when rows cannot be listed
 */
export async function verifyValues(core: Pick<Core, 'engine' | 'keys'>): Promise<ValuesReport> {
  core.keys.requireUnsealed()
  const pacer = new Pacer()
  const paths: string[] = []
  let [entries, versions, sealed, unreadable] = [0, 0, 0, 0]
  const iterator = core.engine.iterate(ENTRY_SPACE)
  try {
    for (;;) {
      const page = await iterator.nextPage(PAGE)
      if (page.length === 0) return { entries, versions, sealed, unreadable, paths }
      for (const row of page) {
        entries++
        for await (const state of stateOfVersions(core, row)) {
          versions++
          if (state === 'sealed') sealed++
          else if (state === 'unreadable') {
            unreadable++
            if (paths.length < PATHS) paths.push(pathOfEntryKey(row.key))
          }
          if (pacer.isDue) await pacer.turn()
        }
      }
    }
  } finally {
    await iterator.close()
  }
}

type State = 'plain' | 'sealed' | 'unreadable'

async function* stateOfVersions(
  core: Pick<Core, 'engine' | 'keys'>,
  { value }: KeyedRow,
): AsyncGenerator<State> {
  const entry = parseEntry(value)
  for (const number of numbersUp(entry.present)) {
    try {
      yield await readVersion(core, entry, number)
    } catch (error) {
      if (isStorageError(error) && error.code !== 'ERR_STORAGE_CORRUPT') throw error
      yield 'unreadable'
    }
  }
}

async function readVersion(
  { engine, keys }: Pick<Core, 'engine' | 'keys'>,
  { id }: Entry,
  number: number,
): Promise<State> {
  const row = await engine.get(versionKey(id, number))
  if (row === undefined) return 'unreadable'
  const { type, encrypted, destroyed, value } = decodeVersion(row)
  if (destroyed) return 'plain'
  const stored = value ?? (await engine.get(valueKey(id, number)))?.value
  if (stored === undefined) return 'unreadable'
  if (!encrypted) return 'plain'
  keys.openValue({ id, type }, number, stored).fill(0)
  return 'sealed'
}
