/** Entries that an import puts into the registry, and how their keys are made. */
import {
  encodeSegment,
  type Path,
  parsePath,
  parsePrefix,
  parseValue,
  SecregError,
  type ValueType,
} from '@secreg/protocol'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'

/** One entry to stage. */
export interface StagedEntry {
  readonly key: string
  readonly value: string
  readonly type: ValueType
  readonly encrypt?: boolean
}

/** What a source holds. */
export interface Source {
  readonly entries: readonly StagedEntry[]
  /** What was left out on purpose, by reason. */
  readonly skipped: Readonly<Record<string, number>>
}

/** Faults that are told; the others are counted. */
const MAX_FAULTS = 10

/** Collects entries; whatever does not fit is remembered and refused at the end, all at once. */
export class EntryList {
  readonly #entries = new Map<string, StagedEntry>()
  readonly #faults: string[] = []
  #faultCount = 0

  /** Add an entry under a prefix; names that cannot be segments are encoded. */
  add(prefix: Path | '', names: readonly string[], value: string, type: ValueType): void {
    this.attempt(names.join('/'), () => {
      const key = parsePath(`${prefix}/${names.map(encodeSegment).join('/')}`)
      this.put({ key, value, type })
    })
  }

  /** Add an entry with its key as it is. */
  put(entry: StagedEntry): void {
    parsePath(entry.key)
    parseValue(entry.value, entry.type)
    if (this.#entries.has(entry.key)) {
      throw new SecregError('INVALID_ARGUMENT', `the key ${entry.key} is there twice`)
    }
    this.#entries.set(entry.key, entry)
  }

  /** Do something about one item; its failure is remembered with its name. */
  attempt(name: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!SecregError.is(error)) throw error
      this.fault(`${name}: ${error.message}`)
    }
  }

  /** Remember a fault. */
  fault(message: string): void {
    this.#faultCount++
    if (this.#faults.length < MAX_FAULTS) this.#faults.push(printable(message))
  }

  /**
   * The entries, sorted by key.
   *
   * @throws CliError `INVALID_ARGUMENT` when anything did not fit
   */
  finish(): StagedEntry[] {
    if (this.#faultCount > 0) {
      const more = this.#faultCount - this.#faults.length
      const list = [...this.#faults, ...(more > 0 ? [`and ${more} more`] : [])].join('\n  ')
      throw new CliError('INVALID_ARGUMENT', `nothing was imported; this does not fit:\n  ${list}`)
    }
    return [...this.#entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }
}

/** The prefix of `--prefix`, without its last slash; the root by default. */
export function prefixOf(text: string | undefined): Path | '' {
  return parsePrefix(text ?? '/')
}
