/** Hashes of passwords as rows hold them. */

declare const HASHED_PASSWORD: unique symbol

/**
 * PHC string of a password that passed the policy. Only `hashNewPassword` and a row that was stored make one, so
 * that no path can set a password around the policy.
 */
export type HashedPassword = string & { readonly [HASHED_PASSWORD]: true }

const PHC = /^\$[a-z0-9-]{1,32}(?:\$[a-zA-Z0-9/+.,=-]{1,256}){1,4}$/

/** Tell whether a text has the form of a PHC string. */
export function isHashedPassword(text: string): text is HashedPassword {
  return text.length <= 512 && PHC.test(text)
}

/** Take what a hasher made. */
export function asHashedPassword(phc: string): HashedPassword {
  if (!isHashedPassword(phc)) throw new TypeError('hasher: expected it to return a PHC string')
  return phc
}
