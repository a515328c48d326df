/**
 * The write rules of setec (setec docs/api.md; specs/setec.md §1.3 and, decided on purpose, §1.4):
 *
 * - An empty value is a value like any other: whatever latest version was deleted, putting one makes a new version (Q1).
 * - Names that setec keeps for itself are written by no operation (Q2).
 * - Numbers end at 4,294,967,295 and do not wrap (Q3). They go on when a secret is deleted and made again (Q4).
 *
 * What the registry's door has deleted, and what has expired, is not there.
 */
import {
  type Dialect,
  type DialectEntry,
  type DialectOperation,
  type DialectOutcome,
  LIMITS,
  SecregError,
} from '@secreg/protocol'
import { isReservedName, MAX_VERSION } from '../api/secret.ts'
import { setecName } from './path.ts'
import { readCreateVersion, readNothing, readPut, readVersion } from './request.ts'

/** Answer of everything but put. */
const DONE: Readonly<Record<string, never>> = Object.freeze({})

const NOTHING: DialectOutcome = Object.freeze({ effects: Object.freeze([]), result: DONE })

/** Put a value, unless the latest version has it. Answers the number of the version that has it. */
function put(entry: DialectEntry, request: unknown): DialectOutcome {
  requireName(entry)
  const value = readPut(request)
  const isThere = isReadable(entry)
  if (isThere && entry.holds(entry.latest, value.bytes)) {
    return { effects: [], result: entry.latest }
  }
  const { next } = entry
  if (next > MAX_VERSION) {
    throw new SecregError('VERSIONS_EXHAUSTED', 'there is no version number left')
  }
  // Of a secret that is not there, it is the first version.
  return { effects: [{ do: 'put', value, activate: !isThere }], result: next }
}

function createVersion(entry: DialectEntry, request: unknown): DialectOutcome {
  requireName(entry)
  const { version, value } = readCreateVersion(request)
  if (entry.isClaimed(version)) {
    throw new SecregError('ALREADY_EXISTS', 'the version number was used before')
  }
  return { effects: [{ do: 'put', value, version, activate: true }], result: DONE }
}

function activate(entry: DialectEntry, request: unknown): DialectOutcome {
  const name = nameOf(entry)
  const version = readVersion(request)
  requireThere(entry, name)
  requireKept(entry, version)
  if (version === entry.active) return NOTHING
  return { effects: [{ do: 'activate', version }], result: DONE }
}

function deleteVersion(entry: DialectEntry, request: unknown): DialectOutcome {
  const name = nameOf(entry)
  const version = readVersion(request)
  requireThere(entry, name)
  requireKept(entry, version)
  if (version === entry.active) {
    throw new SecregError('VERSION_ACTIVE', 'the active version is not deleted')
  }
  return { effects: [{ do: 'destroy', version }], result: DONE }
}

/** Erase all that there is, also what the registry's door has deleted and kept. */
function remove(entry: DialectEntry, request: unknown): DialectOutcome {
  const name = nameOf(entry)
  readNothing(request)
  return entry.exists && name !== '' ? { effects: [{ do: 'purge' }], result: DONE } : NOTHING
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` where no secret can be made */
function requireName(entry: DialectEntry): void {
  if (nameOf(entry) === '') {
    throw new SecregError('INVALID_ARGUMENT', 'a secret must have a name')
  }
}

/**
 * Name of the secret; empty for the mount itself, at which there is none whatever the registry's door has put there.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT` for a reserved name, and for a path that stands for no name
 */
function nameOf({ path }: DialectEntry): string {
  const name = setecName(path)
  if (name === undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'no secret of setec can have this path')
  }
  if (isReservedName(name)) throw new SecregError('INVALID_ARGUMENT', 'the name is reserved')
  return name
}

/** @throws SecregError `ERR_NOT_FOUND` */
function requireThere({ exists, isDeleted }: DialectEntry, name: string): void {
  if (!exists || isDeleted || name === '') throw new SecregError('NOT_FOUND', 'no such secret')
}

/** @throws SecregError `ERR_VERSION_NOT_FOUND` */
function requireKept(entry: DialectEntry, version: number): void {
  if (entry.stateOf(version) !== 'kept') {
    throw new SecregError('VERSION_NOT_FOUND', 'no such version')
  }
}

/** Whether there is an active value, so that setec sees a secret. */
function isReadable(entry: DialectEntry): boolean {
  const { exists, isDeleted, active } = entry
  return exists && !isDeleted && active !== 0 && entry.stateOf(active) === 'kept'
}

/** The operations that write. */
export type SetecWrite = 'put' | 'create-version' | 'activate' | 'delete-version' | 'delete'

export interface SetecDialect extends Dialect {
  readonly operations: Readonly<Record<SetecWrite, DialectOperation>>
}

const OPERATIONS: SetecDialect['operations'] = Object.freeze({
  // setec's own right `put` is both of these.
  put: { action: (isLive) => (isLive ? 'update' : 'create'), audit: 'write', plan: put },
  'create-version': { action: 'create-version', audit: 'write', plan: createVersion },
  activate: { action: 'activate', audit: 'activate', plan: activate },
  'delete-version': { action: 'destroy', audit: 'destroy', plan: deleteVersion },
  delete: { action: 'purge', audit: 'purge', plan: remove },
})

/** The write rules of setec, for the registry. Values have the type `bytes` and are always encrypted. */
export const SETEC_DIALECT: SetecDialect = Object.freeze({
  name: 'setec',
  encrypted: true,
  maxVersions: LIMITS.versions,
  maxVersion: MAX_VERSION,
  activatesNew: false,
  operations: OPERATIONS,
})
