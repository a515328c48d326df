/** What setec says about secrets (setec docs/api.md, "Types"): members, their case and their order are the wire form. */

/** A secret without its values. */
export interface SecretInfo {
  /** Any text; compared byte for byte. */
  readonly Name: string
  /** Numbers of the versions that can be read, 1 to {@link MAX_VERSION}, ascending. */
  readonly Versions: readonly number[]
  /** One of `Versions`. */
  readonly ActiveVersion: number
}

/** The value of one version. */
export interface SecretValue {
  /** Standard base64 with padding (RFC 4648 §4). */
  readonly Value: string
  /** 1 to {@link MAX_VERSION}. */
  readonly Version: number
}

/** Highest version number: 32 bits without sign. 0 is never a version and stands for the active one. */
export const MAX_VERSION = 4_294_967_295

/** Tell whether something can be the number of a version: an integer from 1 to {@link MAX_VERSION}. */
export function isVersion(input: unknown): input is number {
  return Number.isInteger(input) && (input as number) >= 1 && (input as number) <= MAX_VERSION
}

const RESERVED_PREFIX = '_internal/'

/** Tell whether a name is one that setec keeps for itself: no caller writes or reads a secret of such a name. */
export function isReservedName(name: string): boolean {
  return name.startsWith(RESERVED_PREFIX)
}
