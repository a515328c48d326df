/** Decoders of values, and schemas of any library that follows Standard Schema (standardschema.dev, version 1). */

/** Why a value does not fit: one of a few texts, none of which quotes the value. */
export class Misfit extends Error {
  override readonly name: string = 'Misfit'
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Makes something from a value, a copy that it may keep. */
export type Decoder<T> = (value: Uint8Array) => T | Promise<T>

/** What a Standard Schema answers. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly unknown[] }

/** A Standard Schema, version 1, as far as it is used here. */
export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

/** How a field is made: a decoder, or a schema, which is given the text of the value. */
export type Decoding<T> = Decoder<T> | StandardSchema<T>

/** The bytes. */
export function asBytes(value: Uint8Array): Uint8Array {
  return value
}

/** The text; fails unless the value is UTF-8. */
export function asText(value: Uint8Array): string {
  try {
    return utf8.decode(value)
  } catch {
    throw new Misfit('the value is not UTF-8')
  }
}

/** The JSON value. */
export function asJson(value: Uint8Array): unknown {
  const text = asText(value)
  try {
    return JSON.parse(text)
  } catch {
    throw new Misfit('the value is not JSON')
  }
}

/** The JSON value, as a schema makes it. */
export function jsonOf<T>(schema: StandardSchema<T>): Decoder<T> {
  if (!isSchema(schema)) throw new TypeError('schema: expected a Standard Schema of version 1')
  return (value) => validate(schema, asJson(value))
}

/** The function that a decoding stands for. */
export function decoderOf<T>(decoding: Decoding<T>): Decoder<T> | undefined {
  // First, because the schemas of some libraries are functions.
  if (isSchema(decoding)) return (value) => validate(decoding as StandardSchema<T>, asText(value))
  return typeof decoding === 'function' ? decoding : undefined
}

export function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as Partial<StandardSchema>)['~standard']
  return standard?.version === 1 && typeof standard.validate === 'function'
}

function validate<T>(schema: StandardSchema<T>, value: unknown): T | Promise<T> {
  const result = schema['~standard'].validate(value)
  return result instanceof Promise ? result.then(accept) : accept(result)
}

function accept<T>(result: SchemaResult<T>): T {
  // The texts of issues quote what was received, so none is passed on.
  if (result.issues !== undefined) throw new Misfit('the value does not fit its schema')
  return (result as { value: T }).value
}
