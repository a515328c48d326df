/**
 * Requests of the dialect, as JSON objects: `{"value"}` of put, `{"version","value"}` of create-version, `{"version"}`
 * of activate and delete-version, `{}` of delete. They come over a socket, from anybody.
 */
import { parseValue, SecregError, type TypedValue } from '@secreg/protocol'
import * as z from 'zod'
import { versionSchema } from '../api/schema.ts'

const put = z.strictObject({ value: z.string() })
const createVersion = z.strictObject({ version: versionSchema, value: z.string() })
const oneVersion = z.strictObject({ version: versionSchema })
const nothing = z.strictObject({})

/** @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_VALUE_INVALID`, `ERR_VALUE_TOO_LARGE` */
export function readPut(request: unknown): TypedValue {
  return parseValue(checked(put, request, '{"value": base64}').value, 'bytes')
}

/** @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_VALUE_INVALID`, `ERR_VALUE_TOO_LARGE` */
export function readCreateVersion(request: unknown): { version: number; value: TypedValue } {
  const { version, value } = checked(
    createVersion,
    request,
    '{"version": 1 to 4294967295, "value": base64}',
  )
  return { version, value: parseValue(value, 'bytes') }
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` */
export function readVersion(request: unknown): number {
  return checked(oneVersion, request, '{"version": 1 to 4294967295}').version
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` */
export function readNothing(request: unknown): void {
  checked(nothing, request, '{}')
}

function checked<T>(schema: z.ZodType<T>, request: unknown, expected: string): T {
  const { success, data } = schema.safeParse(request)
  // What was sent may hold a value, so it is not quoted.
  if (!success) throw new SecregError('INVALID_ARGUMENT', `the request must be ${expected}`)
  return data
}
