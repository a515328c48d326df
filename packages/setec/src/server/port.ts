/** What the server half needs of a store of secrets, for one caller who is known. */
import type { SecretInfo } from '../api/secret.ts'

/** The value of a version. */
export interface PortValue {
  /** Canonical standard base64 with padding (RFC 4648 §4). */
  readonly base64: string
  /** 1 to 4,294,967,295. */
  readonly version: number
}

/**
 * Secrets as one caller sees them. Whether he may is decided first of all, before it is told whether there is
 * anything: every method but `list` fails with `ERR_ACCESS_DENIED` when he may not, whatever else is wrong.
 *
 * Further failures are a `SecregError`: `ERR_NOT_FOUND` or another reason of its family for what is absent;
 * `ERR_INVALID_ARGUMENT` for a name that is reserved (`isReservedName`) and for a version that is 0 where one must be
 * named; `ERR_PATH_INVALID` for a name that the store cannot hold; and whatever the store fails with. An empty name
 * is a name that no secret has.
 */
export interface SetecPort {
  /** Secrets that the caller may see, in any order; none when he may see none. */
  list(): Promise<readonly SecretInfo[]>
  /** @param version - 0: the active one */
  get(name: string, version: number): Promise<PortValue>
  /**
   * The active version, unless it is the one that the caller has.
   *
   * @param version - what the caller has, at least 1; it need not exist
   * @returns `undefined`: that is the active one
   */
  getIfChanged(name: string, version: number): Promise<PortValue | undefined>
  info(name: string): Promise<SecretInfo>
  /**
   * Write a value; the first version is active at once, a later one is not.
   *
   * @param value - of the caller, who leaves it as it is
   * @returns the number of the version that has the value
   * @throws SecregError `ERR_VERSIONS_EXHAUSTED` when the highest number is used
   */
  put(name: string, value: Uint8Array): Promise<number>
  /**
   * Write a value under a number that nobody has used, and make it active.
   *
   * @throws SecregError `ERR_ALREADY_EXISTS` when the number was ever used
   */
  createVersion(name: string, version: number, value: Uint8Array): Promise<void>
  activate(name: string, version: number): Promise<void>
  /**
   * Erase the value of a version for good.
   *
   * @throws SecregError `ERR_VERSION_ACTIVE`
   */
  deleteVersion(name: string, version: number): Promise<void>
  /** Erase a secret with all its versions; also when there is none. */
  delete(name: string): Promise<void>
}
