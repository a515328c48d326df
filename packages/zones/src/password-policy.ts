/**
 * What a new password must be.
 *
 * 12 to 128 characters and a list of forbidden words as in SecReg-Linux. Its demand for all four classes of
 * characters is loosened: composition rules make passwords worse, not better (NIST SP 800-63B-4, section 3.1.1.2),
 * so three classes do, and a passphrase of 20 characters needs none.
 */
import { SecregError } from '@secreg/protocol'
import { asHashedPassword, type HashedPassword } from './hashed-password.ts'
import type { PasswordHasher } from './password-hasher.ts'

/** Shortest password, code points. */
export const PASSWORD_MIN_CHARS = 12
/** Longest password, code points. */
export const PASSWORD_MAX_CHARS = 128
/** From this many code points on, classes of characters do not matter. */
export const PASSPHRASE_MIN_CHARS = 20

/** Words that no password contains, in any case (SecReg-Linux source, password policy). */
export const FORBIDDEN_WORDS: readonly string[] = Object.freeze([
  'password',
  '123456',
  'qwerty',
  'admin',
  'letmein',
])

/** A rule that a password breaks. */
export type PasswordRule =
  | 'too-short'
  | 'too-long'
  | 'bad-character'
  | 'forbidden-word'
  | 'contains-login'
  | 'too-simple'

const TEXT: Readonly<Record<PasswordRule, string>> = Object.freeze({
  'too-short': `it needs at least ${PASSWORD_MIN_CHARS} characters`,
  'too-long': `it may have at most ${PASSWORD_MAX_CHARS} characters`,
  'bad-character': 'it may not contain control characters',
  'forbidden-word': `it may not contain ${FORBIDDEN_WORDS.join(', ')}`,
  'contains-login': 'it may not contain the login name',
  'too-simple': `it needs three of lower case, upper case, digit and other, or ${PASSPHRASE_MIN_CHARS} varied characters`,
})

const CLASSES: readonly RegExp[] = [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{Ll}\p{Lu}\p{Nd}]/u]
const MIN_CLASSES = 3
/** A passphrase of one repeated key is none. */
const PASSPHRASE_MIN_DIFFERENT = 6
/** A login of one or two letters is part of nearly every password. */
const LOGIN_MIN_CHARS = 3

/**
 * Bring a password to the one form that is checked, hashed and verified, so that a keyboard which composes its
 * characters otherwise still opens the account (RFC 8265, OpaqueString: spaces to U+0020, NFC).
 */
export function normalizePassword(password: string): string {
  return password.replace(/\p{Zs}/gu, ' ').normalize('NFC')
}

/**
 * Tell which rules a password breaks.
 *
 * @returns the broken rules; empty for a good password
 */
export function checkPasswordPolicy(
  password: string,
  options: { readonly login?: string } = {},
): readonly PasswordRule[] {
  // The longest text is looked at no further: normalising and matching cost time in its length.
  if (password.length > PASSWORD_MAX_CHARS * 8) return ['too-long']
  const text = normalizePassword(password)
  const chars = [...text]
  // Compatibility forms (full width and the like) must not hide a word.
  const folded = text.normalize('NFKC').toLowerCase()
  const { login } = options
  const simple =
    CLASSES.filter((one) => one.test(text)).length < MIN_CLASSES &&
    (chars.length < PASSPHRASE_MIN_CHARS || new Set(chars).size < PASSPHRASE_MIN_DIFFERENT)
  const broken: [PasswordRule, boolean][] = [
    ['too-short', chars.length < PASSWORD_MIN_CHARS],
    ['too-long', chars.length > PASSWORD_MAX_CHARS],
    // A lone surrogate has no UTF-8: all of them would hash alike.
    ['bad-character', /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)],
    ['forbidden-word', FORBIDDEN_WORDS.some((word) => folded.includes(word))],
    [
      'contains-login',
      login !== undefined &&
        login.length >= LOGIN_MIN_CHARS &&
        folded.includes(login.toLowerCase()),
    ],
    ['too-simple', simple],
  ]
  return broken.filter(([, is]) => is).map(([rule]) => rule)
}

/**
 * Check a new password and hash it. The only way to a `HashedPassword`, and so to setting a password.
 *
 * @throws SecregError `ERR_PASSWORD_POLICY`, naming every broken rule; whatever the hasher throws, as `ERR_BUSY`
 */
export async function hashNewPassword(
  hasher: PasswordHasher,
  password: string,
  options: { readonly login?: string } = {},
): Promise<HashedPassword> {
  if (typeof password !== 'string') throw new TypeError('password: expected a string')
  const broken = checkPasswordPolicy(password, options)
  if (broken.length > 0) {
    const what = broken.map((rule) => TEXT[rule]).join('; ')
    throw new SecregError('PASSWORD_POLICY', `the password is refused: ${what}`)
  }
  return asHashedPassword(await hasher.hash(normalizePassword(password)))
}
