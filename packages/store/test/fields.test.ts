import {
  asBytes,
  asJson,
  asSecret,
  asText,
  type Field,
  fieldSecrets,
  fields,
  jsonOf,
  live,
  openStore,
  type Secret,
  type StandardSchema,
  StoreError,
  staticSource,
  type Updater,
} from '@secreg/store'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { bytes, FakeClock, FakeSource } from './support.ts'

const CANARY = 'treasure-7f3a'

/** A schema as other libraries make them: a function, asynchronous if wanted, whose issues quote what they got. */
function quoting<T>(make: (value: unknown) => T | undefined, wait = false): StandardSchema<T> {
  const check = (value: unknown) => {
    const made = make(value)
    return made === undefined
      ? { issues: [{ message: `expected otherwise, got ${value}`, path: [value] }] }
      : { value: made }
  }
  return Object.assign(() => {}, {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => (wait ? Promise.resolve(check(value)) : check(value)),
    },
  })
}

const open = (secrets: Record<string, string | Uint8Array>) =>
  openStore<string>({ source: staticSource(secrets), secrets: Object.keys(secrets) })

/** Everything that a logger might print of an error. */
function printed(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause, errors = [] } = error as Error & { errors?: unknown[] }
  return [error.stack, JSON.stringify(error), printed(cause), ...errors.map(printed)].join('\n')
}

describe('values', () => {
  test('bytes, text, JSON, schemas, handles', async () => {
    const store = await open({
      raw: Uint8Array.of(0, 255),
      text: 'ünï',
      json: '{"a":[1]}',
      port: '8080',
      db: '{"host":"h","port":5432}',
      handle: 'x',
    })
    const made = await fields(store, {
      raw: asBytes,
      text: asText,
      json: asJson,
      port: z.coerce.number().int(),
      db: jsonOf(z.object({ host: z.string(), port: z.number() })),
      handle: asSecret,
    })
    expect(made).toMatchObject({
      raw: Uint8Array.of(0, 255),
      text: 'ünï',
      json: { a: [1] },
      port: 8080,
      db: { host: 'h', port: 5432 },
    })
    expect(made.handle).toBe(store.secret('handle'))
    expectTypeOf(made.raw).toEqualTypeOf<Uint8Array>()
    expectTypeOf(made.text).toEqualTypeOf<string>()
    expectTypeOf(made.json).toEqualTypeOf<unknown>()
    expectTypeOf(made.port).toEqualTypeOf<number>()
    expectTypeOf(made.db).toEqualTypeOf<{ host: string; port: number }>()
    expectTypeOf(made.handle).toEqualTypeOf<Secret>()
  })

  test('names of secrets, a prefix that is put before them as it is, own decoders', async () => {
    const store = await open({ '/app//../x': 'one', '/app/name': 'two' })
    const made = await fields(
      store,
      {
        renamed: { secret: '//../x', as: asText },
        '/name': async (value: Uint8Array) => value.length,
      },
      { prefix: '/app' },
    )
    expect(made).toEqual({ renamed: 'one', '/name': 3 })
    expectTypeOf(made['/name']).toEqualTypeOf<number>()
  })

  test('a schema that is a function, and one that waits', async () => {
    const store = await open({ a: 'x' })
    const upper = quoting((value) => String(value).toUpperCase())
    const later = quoting((value) => `${value}!`, true)
    const wanted = { a: upper, b: { secret: 'a', as: later } }
    expect(await fields(store, wanted)).toEqual({ a: 'X', b: 'x!' })
  })

  test('a field named __proto__ is a field', async () => {
    const store = await open({ a: 'x' })
    const wanted = Object.fromEntries([['__proto__', { secret: 'a', as: asText }]])
    const made = await fields(store, wanted)
    expect(Object.keys(made)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype)
  })

  test('undeclared secrets are looked up where the store allows it', async () => {
    const clock = new FakeClock()
    const source = new FakeSource(clock, { a: 'A', b: 'B' })
    await using store = await openStore({ source, secrets: ['a'], allowLookup: true, clock })
    expect(await fields(store, { a: asText, b: asText })).toEqual({ a: 'A', b: 'B' })
  })
})

describe('names of the secrets', () => {
  test('are those that the fields are made from', async () => {
    const wanted = {
      port: Number,
      url: { secret: 'db/../url', as: live(asText) },
      same: { secret: 'port', as: asSecret },
    } as const
    expect(fieldSecrets(wanted, { prefix: 'web/' })).toEqual(['web/db/../url', 'web/port'])
    expect(fieldSecrets({})).toEqual([])
    expect(() => fieldSecrets({ port: 7 as never })).toThrow(TypeError)
  })
})

describe('live fields', () => {
  test('follow their secret, keep what fits, and say why not', async () => {
    const clock = new FakeClock()
    const source = new FakeSource(clock, { port: '1' })
    await using store = await openStore({ source, secrets: ['port'], clock })
    const { port } = await fields(store, { port: live(z.coerce.number()) })
    expectTypeOf(port).toEqualTypeOf<Updater<number>>()
    expect(port.get()).toBe(1)
    source.set('port', CANARY)
    await store.refresh()
    expect(port.get()).toBe(1)
    expect(port.error).toMatchObject({ code: 'ERR_STORE_FIELD', names: ['port'] })
    expect(printed(port.error)).not.toContain(CANARY)
    source.set('port', '3')
    await store.refresh()
    expect([port.get(), port.error]).toEqual([3, undefined])
  })

  test('must not wait', async () => {
    const store = await open({ a: 'x' })
    const failed = fields(store, { a: live(quoting((value) => value, true)) })
    await expect(failed).rejects.toMatchObject({
      errors: [{ message: 'field "a": what decodes a live field must not wait' }],
    })
    const rejects = fields(store, { a: live(() => Promise.reject(new Error(CANARY))) })
    await expect(rejects).rejects.toMatchObject({ errors: [{ code: 'ERR_STORE_FIELD' }] })
  })

  test('are ended when another field fails', async () => {
    const store = await open({ a: 'x', b: 'not JSON' })
    let ended = 0
    const pool = live(() => ({ close: () => ended++ }))
    await expect(fields(store, { a: pool, b: asJson })).rejects.toThrow('"b"')
    expect(ended).toBe(1)
  })
})

describe('failures', () => {
  test('all fields are tried; the errors name them and quote nothing', async () => {
    const store = await open({
      good: 'x',
      json: CANARY,
      schema: CANARY,
      waiting: CANARY,
      decoder: CANARY,
      text: Uint8Array.of(...bytes(CANARY), 0xff),
      object: `{"${CANARY}":1}`,
    })
    const wanted = {
      good: asText,
      json: asJson,
      schema: quoting(() => undefined),
      waiting: quoting(() => undefined, true),
      decoder: (value: Uint8Array): never => {
        throw new Error(new TextDecoder().decode(value))
      },
      rejecting: {
        secret: 'decoder',
        as: async (value: Uint8Array) => Promise.reject(new TextDecoder().decode(value)),
      },
      text: asText,
      object: jsonOf(z.strictObject({ a: z.string() })),
      absent: asText,
    }
    const error = await fields(store, wanted).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(AggregateError)
    const { errors, message } = error as AggregateError
    expect(errors.map(({ message }: Error) => message)).toEqual([
      'field "json": the value is not JSON',
      'field "schema": the value does not fit its schema',
      'field "waiting": the value does not fit its schema',
      'field "decoder": the value does not fit',
      'field "rejecting": the value does not fit',
      'field "text": the value is not UTF-8',
      'field "object": the value does not fit its schema',
      'field "absent": its secret is not here',
    ])
    expect(errors.every((one) => StoreError.is(one, 'ERR_STORE_FIELD'))).toBe(true)
    expect(message).toBe(
      'no value of the fields "json", "schema", "waiting", "decoder", "rejecting", "text", "object", "absent"',
    )
    expect(printed(error)).not.toContain(CANARY)
  })

  const wrong: [string, Record<string, unknown>, typeof TypeError | typeof RangeError][] = [
    ['no fields', {}, RangeError],
    ['a field that is nothing', { a: undefined }, TypeError],
    ['a field that is text', { a: 'text' }, TypeError],
    ['a schema of another version', { a: { '~standard': { version: 2 } } }, TypeError],
    ['a named field without a kind', { a: { secret: 'a', as: undefined } }, TypeError],
    ['an empty name', { a: { secret: '', as: asText } }, RangeError],
    ['a name that is no text', { a: { secret: 1, as: asText } }, TypeError],
  ]
  test.each(wrong)('wrong use: %s', async (_, wanted, type) => {
    const store = await open({ a: 'x' })
    await expect(fields(store, wanted as Record<string, Field>)).rejects.toThrow(type)
  })

  test('wrong use of the makers', () => {
    expect(() => live(undefined as never)).toThrow(TypeError)
    expect(() => jsonOf((() => 0) as never)).toThrow(TypeError)
  })
})
