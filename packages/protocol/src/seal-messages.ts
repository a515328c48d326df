/** Requests about the seal of the registry and what opens it (DESIGN §6). */
import * as z from 'zod'
import { login, secretText, text } from './fields.ts'
import { LIMITS } from './limits.ts'

const shareText = text(LIMITS.shareChars)
/** Base64 of at most 4096 bytes. */
const keyFileText = text(4 * Math.ceil(LIMITS.keyFileBytes / 3))

/** How many shares are made, and how many of them open it. */
const shareCounts = z.object({
  count: z.int().min(2).max(LIMITS.shares),
  threshold: z.int().min(2).max(LIMITS.shares),
})

/**
 * What opens the registry now: one of the three. A key file may also be what systemd passes to the daemon as a
 * credential.
 */
export const proof = z.object({
  passphrase: secretText.optional(),
  shares: z.array(shareText).max(LIMITS.shares).optional(),
  key_file: keyFileText.optional(),
})

/** Initialise, unlock, lock. */
export const sealRequest = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('init'),
    /** At least one of passphrase and shares, unless the configuration names a key file or a credential. */
    passphrase: secretText.optional(),
    shares: shareCounts.optional(),
    admin: login,
    admin_password: secretText,
    /** Move an existing registry aside. Needs a login with the right to seal. */
    force: z.boolean().optional(),
  }),
  z.object({
    op: z.literal('unlock'),
    /** One of passphrase, share, key_file and reset. */
    passphrase: secretText.optional(),
    /** One share of several, which may come from several callers. */
    share: shareText.optional(),
    /** With a share: refuse, with `SHARES_MISSING`, unless it is unlocked then. */
    finish: z.boolean().optional(),
    key_file: keyFileText.optional(),
    /** Use what is kept for recovery, and nothing else. */
    recovery: z.boolean().optional(),
    /** Forget the shares that have been given so far. */
    reset: z.boolean().optional(),
  }),
  z.object({ op: z.literal('lock') }),
])

/** What a new or changed protector is made from; its kind says which. */
const secrets = {
  passphrase: secretText.optional(),
  shares: shareCounts.optional(),
  key_file: keyFileText.optional(),
}

/** What opens the registry: list it, add to it, change it, take something out. */
export const protectorRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('list') }),
  z.object({
    op: z.literal('add'),
    kind: z.enum(['passphrase', 'shares', 'key-file', 'systemd-credential']),
    ...secrets,
    label: text(LIMITS.labelChars).optional(),
    /** Keep it apart from the daily unlock. */
    recovery: z.boolean().optional(),
    proof,
  }),
  z.object({
    op: z.literal('change'),
    /** Its id, the beginning of it, or its label; `id` would be the correlation id. */
    protector: text(LIMITS.labelChars),
    ...secrets,
    proof,
    force: z.boolean().optional(),
  }),
  z.object({
    op: z.literal('remove'),
    protector: text(LIMITS.labelChars),
    force: z.boolean().optional(),
  }),
])
