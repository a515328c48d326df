/**
 * Login names. A stored name has exactly one spelling; what somebody types is brought to it before it is looked up
 * or counted, so that another spelling gets neither another account nor another counter of failures.
 */
import { LIMITS } from '@secreg/protocol'

const LOGIN = /^[a-z0-9_][a-z0-9_.-]*$/

/** Tell whether a text is a login name as stored: `[a-z0-9_][a-z0-9_.-]*`, 1 to 64 bytes. */
export function isLogin(text: string): boolean {
  return text.length <= LIMITS.loginBytes && LOGIN.test(text)
}

/**
 * Bring a typed name to its stored spelling (NFC, lower case).
 *
 * @returns the name, or undefined where no account can have it.
 */
export function normalizeLogin(text: string): string | undefined {
  // Bounded first: one character of NFC comes from few characters of input, and no stored name is long.
  if (text.length > LIMITS.loginBytes * 4) return undefined
  const name = text.normalize('NFC').toLowerCase()
  return isLogin(name) ? name : undefined
}
