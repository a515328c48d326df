/** One key of the configuration file: what may stand there, and what is said about it. */
import { isAbsolute } from 'node:path'
import * as z from 'zod'
import { MAX_SOCKET_PATH_BYTES } from './socket-path.ts'

/** What a user may read about one key; the README's table and `--help` are made of it. */
export interface ConfigKey {
  /** Dotted name in the file. */
  readonly name: string
  readonly type: 'string' | 'integer' | 'boolean' | 'list of strings' | 'list of integers'
  /** Default as it would stand in the file; empty text where the key is off unless given. */
  readonly default: string
  readonly unit: '' | 'seconds' | 'milliseconds' | 'bytes' | 'days'
  /** Accepted values, in words. */
  readonly expected: string
  readonly description: string
}

/** One key with its check. `T` is its type in {@link Config}. */
export interface ConfigRow<T> extends Omit<ConfigKey, 'default'> {
  readonly fallback: T
  readonly shown: string
  /** Takes the parsed TOML value, integers as bigint. */
  readonly schema: z.ZodType<T, unknown>
  /** Its value never appears in a message: someone may have written the secret itself in place of its name. */
  readonly sensitive: boolean
}

/** What is told of a row. */
export function keyOf(row: ConfigRow<unknown>): ConfigKey {
  return Object.freeze({
    name: row.name,
    type: row.type,
    default: row.shown,
    unit: row.unit,
    expected: row.expected,
    description: row.description,
  })
}

/** @param range - default, least and largest value */
export function integer(
  name: string,
  [fallback, min, max]: readonly [number, number, number],
  unit: ConfigKey['unit'],
  description: string,
): ConfigRow<number> {
  // A bigint is a TOML integer; a number is a TOML float and no integer, even when it is 5.0.
  const schema = z.bigint().min(BigInt(min)).max(BigInt(max)).transform(Number)
  const expected = `an integer from ${min} to ${max}`
  const shown = String(fallback)
  return {
    name,
    type: 'integer',
    unit,
    description,
    fallback,
    shown,
    schema,
    expected,
    sensitive: false,
  }
}

export function flag(name: string, fallback: boolean, description: string): ConfigRow<boolean> {
  const schema = z.boolean()
  const common = { unit: '', expected: 'true or false', sensitive: false } as const
  return {
    name,
    type: 'boolean',
    description,
    fallback,
    shown: String(fallback),
    schema,
    ...common,
  }
}

/** A switch that goes by something else where it is not given: undefined. */
export function flagOrAuto(name: string, description: string): ConfigRow<boolean | undefined> {
  return {
    name,
    type: 'boolean',
    unit: '',
    description,
    fallback: undefined,
    shown: '"auto"',
    schema: z.union([z.literal('auto').transform(() => undefined), z.boolean()]),
    expected: 'true, false or "auto"',
    sensitive: false,
  }
}

/** @param item - of one text; the whole may be empty */
export function list(
  name: string,
  item: TextRule<string>,
  most: number,
  description: string,
): ConfigRow<readonly string[]> {
  return {
    name,
    type: 'list of strings',
    unit: '',
    fallback: [],
    shown: '[]',
    schema: z.array(item.schema).max(most).readonly(),
    expected: `a list of ${item.expected}`,
    description,
    sensitive: false,
  }
}

/** Subtrees of the registry. */
export function paths(name: string, description: string): ConfigRow<readonly string[]> {
  const schema = z.string().startsWith('/').max(512)
  return list(name, { expected: 'paths that begin with "/"', schema }, 1000, description)
}

/** What a text of the file may be. */
export interface TextRule<T> {
  /** In words. */
  readonly expected: string
  readonly schema: z.ZodType<T, unknown>
  readonly sensitive?: boolean
}

export function text<T extends string | number | undefined>(
  name: string,
  fallback: T,
  rule: TextRule<T>,
  description: string,
): ConfigRow<T> {
  const common = { type: 'string', unit: '', sensitive: rule.sensitive ?? false } as const
  const written = typeof fallback === 'number' ? `0${fallback.toString(8)}` : fallback
  const shown = written === undefined ? '' : JSON.stringify(written)
  return {
    name,
    description,
    fallback,
    shown,
    schema: rule.schema,
    expected: rule.expected,
    ...common,
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be in a path
const CONTROL = /[\u0000-\u001f\u007f]/
const isPath = (value: string): boolean => isAbsolute(value) && !CONTROL.test(value)
export const PATH: TextRule<string> = {
  expected: 'an absolute path',
  schema: z.string().refine(isPath),
}
/** The same, or an empty text for none. */
export const optional = <T extends string>(
  rule: TextRule<T>,
  sensitive: boolean,
): TextRule<T | undefined> => ({
  expected: `${rule.expected}, or "" for none`,
  schema: z.union([z.literal('').transform(() => undefined), rule.schema]),
  sensitive,
})

export const SOCKET_PATH: TextRule<string> = {
  expected: `an absolute path of at most ${MAX_SOCKET_PATH_BYTES} bytes`,
  schema: PATH.schema.refine((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES),
}
export const MODE: TextRule<number> = {
  expected: 'an octal mode from "0000" to "0777", as text',
  schema: z
    .string()
    .regex(/^0?[0-7]{3}$/)
    .transform((mode) => Number.parseInt(mode, 8)),
}
export const GROUP: TextRule<string> = {
  expected: 'a group name or number',
  schema: z.string().regex(/^(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}\$?|0|[1-9][0-9]{0,9})$/),
}
export const USER: TextRule<string> = {
  expected: 'a user name or number',
  schema: GROUP.schema,
}
export const CREDENTIAL: TextRule<string> = {
  expected: 'the name of a systemd credential',
  schema: z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9_.@-]{1,255}$/),
}
// A slash would lead out of /etc/pam.d.
export const SERVICE: TextRule<string> = {
  expected: 'the name of a PAM service',
  schema: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/),
}

const HOST = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])`
const PORT = '(?:[1-9][0-9]{0,4})'
const isPort = (value: string): boolean => Number(/[0-9]+$/.exec(value)?.[0] ?? 0) <= 65_535

/** Where syslog messages go: `local` is the machine's own syslog. */
export const SYSLOG: TextRule<string> = {
  expected: '"local", or "udp://HOST:PORT", "tcp://HOST:PORT" or "tls://HOST:PORT"',
  schema: z
    .string()
    .refine(
      (value) =>
        value === 'local' ||
        (new RegExp(`^(?:udp|tcp|tls)://${HOST}:${PORT}$`).test(value) && isPort(value)),
    ),
}
const BROKER: TextRule<string> = {
  expected: '"HOST:PORT" of brokers',
  schema: z
    .string()
    .refine((value) => new RegExp(`^${HOST}:${PORT}$`).test(value) && isPort(value)),
}
export const BROKERS: ConfigRow<readonly string[]> = list(
  'kafka.brokers',
  BROKER,
  32,
  'Kafka brokers that records are sent to beside the log',
)
// Names of topics have at most 249 of these (Kafka, "Topic naming").
export const TOPIC: TextRule<string> = {
  expected: 'letters, digits, "_" and "-" in parts that a dot separates, at most 128',
  schema: z.string().regex(/^(?=.{1,128}$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/),
}
export const USERNAME: TextRule<string> = {
  expected: 'a name of at most 256 printable characters',
  schema: z.string().regex(/^[\x20-\x7e]{1,256}$/),
}

export const oneOf = <T extends string>(...words: readonly T[]): TextRule<T> => ({
  expected: words.map((word) => JSON.stringify(word)).join(' or '),
  schema: z.enum(words as readonly [T, ...T[]]) as unknown as z.ZodType<T, unknown>,
})
