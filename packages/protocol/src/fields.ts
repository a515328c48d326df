/** Members that several messages have. */
import * as z from 'zod'
import { LIMITS } from './limits.ts'
import type { ValueInput } from './value.ts'

export const text = (characters: number): z.ZodString => z.string().max(characters)
export const keyText: z.ZodString = z.string().max(LIMITS.pathBytes + 1)
/** A path, or the URI of a secret that is kept elsewhere. */
export const placeText: z.ZodString = z.string().max(LIMITS.secretUriChars)
export const secretText: z.ZodString = text(LIMITS.passwordChars)
export const typeName: z.ZodString = z.string().max(16)
export const login: z.ZodString = text(LIMITS.loginBytes)
/** A revision, or a version where 0 means none. */
export const revision: z.ZodInt = z.int().min(0)
/** Number of an existing version. */
export const version: z.ZodInt = z.int().min(1)
/** Passed on as it is: a schema that copies it would drop a member named `__proto__`. */
export const jsonValue: z.ZodCustom<ValueInput, ValueInput> = z.custom<ValueInput>(isJsonValue)

function isJsonValue(input: unknown): input is ValueInput {
  return input !== undefined && ['string', 'number', 'boolean', 'object'].includes(typeof input)
}
