/** Typed fields: a whole configuration from secrets, or every reason why not. */
import { StoreError } from './errors.ts'
import { checkName } from './options.ts'
import { type Decoding, decoderOf, Misfit } from './schema.ts'
import type { Secret } from './secret.ts'
import type { WaitOptions } from './store.ts'
import { createUpdater, type Updater } from './updater.ts'

const LIVE: unique symbol = Symbol.for('@secreg/store/live') as never

/** A field that follows its secret. */
export interface Live<T> {
  readonly [LIVE]: Decoding<T>
}

/** A field that is the handle of its secret. */
export const asSecret: unique symbol = Symbol.for('@secreg/store/asSecret') as never

/** What a field is made into. */
export type FieldKind<T> = Decoding<T> | Live<T> | typeof asSecret

/** A field: what it is made into, alone or with the name of its secret; without, that is the name of the field. */
export type Field<T = unknown> =
  | FieldKind<T>
  | { readonly secret: string; readonly as: FieldKind<T> }

type KindValue<K> = K extends typeof asSecret
  ? Secret
  : K extends Live<infer T>
    ? Updater<T>
    : K extends Decoding<infer T>
      ? T
      : never

/** The value of a field. */
export type FieldValue<F> = F extends { readonly secret: string; readonly as: infer K }
  ? KindValue<K>
  : KindValue<F>

/** What fields need of a store; every store has it. */
export interface FieldStore {
  secret(name: string): Secret | undefined
  lookup(name: string, options?: WaitOptions): Promise<Secret>
}

/** Options of {@link fields}. */
export interface FieldsOptions {
  /** Put before the name of each secret, as it is. Default nothing. */
  readonly prefix?: string
  /** Stops waiting for secrets that are looked up. */
  readonly signal?: AbortSignal
}

/**
 * A field that follows its secret: an `Updater` that decodes each new value when it is asked for. Decoders and schemas
 * must not wait; when one fails, the value before stays.
 */
export function live<T>(decoding: Decoding<T>): Live<T> {
  if (decoderOf(decoding) === undefined) {
    throw new TypeError('decoding: expected a decoder or a Standard Schema')
  }
  return { [LIVE]: decoding }
}

/**
 * Make every field from its secret. All are tried before it fails. Names that are not declared are looked up, where
 * the store allows it.
 *
 * @returns an object with the same members
 * @throws AggregateError with one StoreError `ERR_STORE_FIELD` for each field that failed, which never holds a value:
 *   what a decoder or schema says is withheld, because it likes to quote; TypeError, RangeError for wrong arguments
 *
 * @example
 * ```ts
 * const { port, key } = await fields(store, { port: z.coerce.number(), key: { secret: 'tls', as: asBytes } })
 * ```
 */
export async function fields<const F extends Readonly<Record<string, Field>>>(
  store: FieldStore,
  wanted: F,
  options: FieldsOptions = {},
): Promise<{ -readonly [K in keyof F]: FieldValue<F[K]> }> {
  const plans = Object.entries(wanted).map(([field, spec]) =>
    planOf(field, spec, options.prefix ?? ''),
  )
  if (plans.length === 0) throw new RangeError('fields: expected at least one')
  const results = await Promise.allSettled(
    plans.map((plan) => resolve(store, plan, options.signal)),
  )
  const failures = results.flatMap((result, at) =>
    result.status === 'rejected' ? [{ plan: plans[at] as Plan, error: result.reason }] : [],
  )
  if (failures.length === 0) {
    const members = results.map((result, at) => [plans[at]?.field, fulfilled(result)])
    return Object.fromEntries(members)
  }
  for (const [at, result] of results.entries()) {
    if (result.status === 'fulfilled' && plans[at]?.live === true) {
      await (result.value as Updater<unknown>).close()
    }
  }
  const errors = failures.map(({ error }) => error)
  const list = failures.map(({ plan }) => JSON.stringify(plan.field)).join(', ')
  throw new AggregateError(
    errors,
    `no value of the ${failures.length === 1 ? 'field' : 'fields'} ${list}`,
  )
}

/**
 * Names of the secrets that fields are made from, to declare them when a store is opened.
 *
 * @throws TypeError, RangeError for wrong arguments
 */
export function fieldSecrets(
  wanted: Readonly<Record<string, Field>>,
  options: Pick<FieldsOptions, 'prefix'> = {},
): readonly string[] {
  const plans = Object.entries(wanted).map(([field, spec]) =>
    planOf(field, spec, options.prefix ?? ''),
  )
  return [...new Set(plans.map(({ secret }) => secret))].sort()
}

interface Plan {
  readonly field: string
  readonly secret: string
  readonly live: boolean
  /** `undefined`: the handle itself. */
  readonly decode: ((value: Uint8Array) => unknown) | undefined
}

function planOf(field: string, spec: Field, prefix: string): Plan {
  const named = isNamed(spec)
  const kind: FieldKind<unknown> = named ? spec.as : spec
  const secret = prefix + checkName(named ? spec.secret : field, `fields.${field}`)
  if (kind === asSecret) return { field, secret, live: false, decode: undefined }
  const isLive = typeof kind === 'object' && kind !== null && LIVE in kind
  const decode = decoderOf(isLive ? kind[LIVE] : (kind as Decoding<unknown>))
  if (decode === undefined) {
    throw new TypeError(
      `fields.${field}: expected a decoder, a Standard Schema, live(…) or asSecret`,
    )
  }
  return { field, secret, live: isLive, decode }
}

function isNamed(
  spec: Field,
): spec is { readonly secret: string; readonly as: FieldKind<unknown> } {
  return typeof spec === 'object' && spec !== null && 'secret' in spec && 'as' in spec
}

async function resolve(
  store: FieldStore,
  { field, secret: name, live, decode }: Plan,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  let secret: Secret
  try {
    secret =
      store.secret(name) ?? (await store.lookup(name, signal === undefined ? {} : { signal }))
  } catch (cause) {
    throw fieldError(field, name, 'its secret is not here', cause)
  }
  if (decode === undefined) return secret
  const misfit = (error: unknown): StoreError =>
    fieldError(field, name, error instanceof Misfit ? error.message : 'the value does not fit')
  if (!live) {
    try {
      return await decode(secret.value())
    } catch (error) {
      throw misfit(error)
    }
  }
  return createUpdater(secret, (value) => {
    let made: unknown
    try {
      made = decode(value)
    } catch (error) {
      throw misfit(error)
    }
    if (!(made instanceof Promise)) return made
    made.catch(() => {})
    throw fieldError(field, name, 'what decodes a live field must not wait')
  })
}

function fieldError(field: string, name: string, why: string, cause?: unknown): StoreError {
  return new StoreError('ERR_STORE_FIELD', `field ${JSON.stringify(field)}: ${why}`, {
    names: [name],
    ...(cause === undefined ? {} : { cause }),
  })
}

function fulfilled(result: PromiseSettledResult<unknown>): unknown {
  return (result as PromiseFulfilledResult<unknown>).value
}
