/** Schemas of setec's answers; members that are not known are ignored, as its own client does. */
import * as z from 'zod'
import { MAX_VERSION, type SecretInfo, type SecretValue } from './secret.ts'

/** Number of a version: 1 to {@link MAX_VERSION}. */
export const versionSchema: z.ZodType<number> = z.int().min(1).max(MAX_VERSION)

export const secretInfoSchema: z.ZodType<SecretInfo> = z.object({
  Name: z.string(),
  Versions: z.array(versionSchema),
  ActiveVersion: versionSchema,
})

/** `Value` is base64 with padding; a version without one is empty. */
export const secretValueSchema: z.ZodType<SecretValue> = z.object({
  Value: z.base64(),
  Version: versionSchema,
})
