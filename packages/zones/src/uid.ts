/** User ids of the kernel, as far as they may stand for somebody. */

/** What the kernel reports for a peer whose uid does not exist in this user namespace (overflowuid(5), proc_sys_kernel). */
const OVERFLOW_UID = 65534

/** `(uid_t) -1` means "no change" in setreuid(2) and is nobody's id. */
const MAX_UID = 0xffff_fffe

/** Tell whether a number can be a uid that the kernel reported. */
export function isUid(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_UID
}

/**
 * Tell whether a uid may be mapped to an account. The overflow uid may not: every uid that is unknown to the
 * daemon's user namespace arrives as that number.
 */
export function isMappableUid(value: unknown): value is number {
  return isUid(value) && value !== OVERFLOW_UID
}
