/** Requests about the audit log, and the schema of what it holds. */
import * as z from 'zod'
import { AUDIT_ACTIONS, AUDIT_OUTCOMES, type AuditBody } from './audit-body.ts'
import { DOORS, PROOFS } from './caller.ts'
import { REASONS } from './errors.ts'
import { placeText, text } from './fields.ts'

/** Longest time that a follower waits for a record, milliseconds. */
const MAX_WAIT_MS = 30_000
/** Bytes of a checkpoint that somebody kept (C2SP tlog-checkpoint: a few lines and signatures). */
const CHECKPOINT_CHARACTERS = 16_384

/**
 * Filters of the audit log; all given ones hold together. Newest first, unless it is followed: then oldest first, from
 * the answer on, page by page with `cursor`. However long it is followed, that is one operation.
 */
export const auditRequest = z.object({
  user: text(256).optional(),
  /** This path, or secret elsewhere, and everything below it. */
  key: placeText.optional(),
  action: text(32).optional(),
  /** Milliseconds since the epoch, inclusive. */
  since_ms: z.int().min(0).optional(),
  /** Milliseconds since the epoch, exclusive. */
  until_ms: z.int().min(0).optional(),
  /** Only what was denied or failed. */
  failed: z.boolean().optional(),
  outcome: z.enum(AUDIT_OUTCOMES).optional(),
  door: text(32).optional(),
  account: text(64).optional(),
  session: text(64).optional(),
  token: text(64).optional(),
  correlation: text(256).optional(),
  limit: z.int().min(1).max(1000).optional(),
  /** Continue below this sequence number. */
  before: z.int().min(1).optional(),
  /** Read every record instead of asking the indexes, which are a help and no evidence. */
  scan: z.boolean().optional(),
  /** Be told of what is recorded from now on. */
  follow: z.boolean().optional(),
  /** From the answer before, of the same session; filters are those of the first request. */
  cursor: text(64).optional(),
  /** How long to wait for a record, milliseconds; default 0. */
  wait_ms: z.int().min(0).max(MAX_WAIT_MS).optional(),
})

/** What proves to others that the audit log is what it was. */
export const evidenceRequest = z.discriminatedUnion('op', [
  /** Sign the log as it is now. */
  z.object({ op: z.literal('checkpoint') }),
  /** Show that a record is in the log of a checkpoint made now. */
  z.object({ op: z.literal('prove'), sequence: z.int().min(1) }),
  /** Show that the log of now continues the one of a checkpoint that was kept. */
  z.object({ op: z.literal('consistency'), checkpoint: text(CHECKPOINT_CHARACTERS) }),
  /** Verify the whole log; begun, or asked for again by its number. */
  z.object({
    op: z.literal('verify'),
    job: z.int().min(1).optional(),
    /** Checkpoints that were kept elsewhere: the log must continue them. */
    checkpoints: z.array(text(CHECKPOINT_CHARACTERS)).max(16).optional(),
  }),
  /** The keys that the log was signed with. */
  z.object({ op: z.literal('keys') }),
  /** Sign with a new key from now on. */
  z.object({ op: z.literal('rotate-key') }),
])

const actor = z.strictObject({
  principal: z.string().optional(),
  user: z.string().optional(),
  account: z.string().optional(),
  roles: z.array(z.string()).optional(),
  uid: z.int().optional(),
  gid: z.int().optional(),
  pid: z.int().optional(),
  session: z.string().optional(),
  token: z.string().optional(),
  door: z.enum(DOORS),
  address: z.string().optional(),
  proof: z.enum(PROOFS),
  mfa: z.boolean(),
})

/** Schema of {@link AuditBody}: nothing beside its members, so that a reader may rely on it. */
export const auditBodySchema: z.ZodType<AuditBody> = z
  .strictObject({
    action: z.enum(AUDIT_ACTIONS),
    outcome: z.enum(AUDIT_OUTCOMES),
    paths: z.array(z.string()),
    actor,
    reason: z.enum(Object.keys(REASONS) as [keyof typeof REASONS]).optional(),
    code: z.literal([1, 2, 3, 4, 5, 6, 7, 8]).optional(),
    versions: z.array(z.int().min(0)).optional(),
    detail: z.string().optional(),
    count: z.int().min(0).optional(),
    correlation: z.string().optional(),
    decision: z.string().optional(),
    purpose: z.string().optional(),
    value_hashes: z
      .record(z.string().startsWith('/'), z.string().regex(/^hmac-sha256:[A-Za-z0-9_-]{43}$/))
      .optional(),
    events: z.array(z.record(z.string(), z.unknown())).optional(),
  })
  .refine(({ action, events }) => action === 'secret' || events === undefined)
  .refine(
    ({ outcome, reason, code }) =>
      (outcome === 'ok') === (reason === undefined) &&
      (reason === undefined) === (code === undefined),
  ) as unknown as z.ZodType<AuditBody>
