/** Requests about backups of the whole registry, and about restoring a part of one (DESIGN §6). */
import * as z from 'zod'
import { keyText, text } from './fields.ts'
import { LIMITS } from './limits.ts'
import { proof } from './seal-messages.ts'

const id = text(64)

/** Read a backup of the registry as it is now, piece by piece. It belongs to the session that began it. */
export const backupRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('begin') }),
  z.object({ op: z.literal('read'), backup: id }),
  z.object({ op: z.literal('abort'), backup: id }),
  z.object({ op: z.literal('status') }),
])

/** Bring entries back from a backup: hand over the file, then say which entries and what opens it. */
export const restoreRequest = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('begin'),
    /** Bytes of the file, where they are known. */
    size: z.int().min(0).optional(),
  }),
  z.object({
    op: z.literal('stage'),
    restore: id,
    /** The next piece of the file, base64 with padding. */
    data: text(4 * Math.ceil(LIMITS.backupPieceBytes / 3)),
  }),
  z.object({
    op: z.literal('commit'),
    restore: id,
    /** This path and everything below it. */
    only: keyText,
    /** What opens the backup; its registry may be another one. */
    proof,
    /** Tell what would change, and change nothing. */
    dry_run: z.boolean().optional(),
  }),
  /** More of what a dry run has found. */
  z.object({ op: z.literal('diff'), restore: id, offset: z.int().min(0) }),
  z.object({ op: z.literal('abort'), restore: id }),
])
