/** From a packet to a request. Fields that a command does not know are ignored; a wrong one is named, never quoted. */
import * as z from 'zod'
import { type RefusalReason, SubauthError } from '../errors.ts'
import { type JsonObject, parseJsonObject } from './json-object.ts'
import { SUBAUTH_LIMITS } from './limits.ts'
import {
  LISTING_ALIASES,
  type SubauthCommand,
  type SubauthFields,
  type SubauthRequest,
} from './request.ts'

const { loginChars, commentChars, newPasswdBytes, passwdChars } = SUBAUTH_LIMITS

/** Half a surrogate pair has no UTF-8: all of them would be taken for one another. */
const isWhole = (text: string): boolean => !/\p{Cs}/u.test(text)
/** Nothing that forges lines of logs and terminals. */
const isLine = (text: string): boolean =>
  !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text)

const login = z.string().min(1).max(loginChars).refine(isWhole)
const zone = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/)
const presented = z.string().min(1).max(passwdChars).refine(isWhole)
const comment = z.string().max(commentChars).refine(isLine)
const ident = z.string().regex(/^[0-9A-Fa-f]{4}$/)
const newPasswd = z
  .string()
  .min(1)
  .max(newPasswdBytes)
  .refine(isWhole)
  .refine((text) => !text.includes('-') && new TextEncoder().encode(text).length <= newPasswdBytes)
/** Also `-0` and `1.0`, which JSON does not tell from them. */
const allow = z.union([z.literal(0), z.literal(1), z.boolean()]).transform(Boolean)

const own = { zone, login: login.exactOptional() }
const managed = { ...own, 'auth-passwd': presented.exactOptional() }

const SCHEMAS: { readonly [C in SubauthCommand]: z.ZodType<SubauthFields[C]> } = Object.freeze({
  nop: z.object({}),
  'create-acct': z.object({ login, zone }),
  'delete-acct': z.object({ login, zone: z.union([zone, z.literal('*')]) }),
  'create-token': z.object({ ...managed, comment: comment.exactOptional() }),
  'delete-token': z.object({ ...managed, ident: z.union([ident, z.literal('*')]) }),
  'change-token': z.object({ ...managed, ident, comment: comment.exactOptional() }),
  'set-passwd': z.object({ ...managed, passwd: newPasswd }),
  'delete-passwd': z.object(managed),
  'create-temp': z.object({ ...managed, validity: z.int().min(1) }),
  login: z.object({ ...own, passwd: presented }),
  'allow-passwd-auth': z.object({ ...managed, allow }),
  'list-accts': z.object({ login: login.exactOptional() }),
  'list-zones': z.object({}),
})

const COMMANDS: ReadonlyMap<string, SubauthCommand> = new Map([
  ...(Object.keys(SCHEMAS) as SubauthCommand[]).map((name) => [name, name] as const),
  ...Object.entries(LISTING_ALIASES).flatMap(([name, aliases]) =>
    aliases.map((alias) => [alias, name as SubauthCommand] as const),
  ),
])

const FIELD_REASONS: Readonly<Record<string, RefusalReason>> = Object.freeze({
  login: 'LOGIN_INVALID',
  zone: 'ZONE_INVALID',
  'auth-passwd': 'AUTH_PASSWD_INVALID',
  passwd: 'PASSWD_INVALID',
  comment: 'COMMENT_INVALID',
  ident: 'IDENT_INVALID',
  validity: 'VALIDITY_INVALID',
  allow: 'ALLOW_INVALID',
})

/**
 * Read a request.
 *
 * @param packet - one packet, whole; its length is for the caller to bound
 * @throws SubauthError of kind `invalid`
 */
export function parseRequest(packet: Uint8Array): SubauthRequest {
  const object = parseJsonObject(packet)
  return requestIn(object, commandIn(object))
}

/** @throws SubauthError `ERR_SUBAUTH_COMMAND_MISSING`, `ERR_SUBAUTH_COMMAND_UNKNOWN` */
export function commandIn(object: JsonObject): SubauthCommand {
  const { cmd } = object
  if (typeof cmd !== 'string') throw new SubauthError('COMMAND_MISSING')
  const command = COMMANDS.get(cmd)
  if (command === undefined) throw new SubauthError('COMMAND_UNKNOWN')
  return command
}

/** @throws SubauthError that names the field which is missing or wrong */
export function requestIn(object: JsonObject, cmd: SubauthCommand): SubauthRequest {
  const { success, data, error } = SCHEMAS[cmd].safeParse(object)
  if (!success) throw new SubauthError(reasonOf(cmd, error.issues[0]?.path[0]))
  return { cmd, ...data } as SubauthRequest
}

function reasonOf(cmd: SubauthCommand, field: PropertyKey | undefined): RefusalReason {
  if (cmd === 'set-passwd' && field === 'passwd') return 'NEW_PASSWD_INVALID'
  const known = typeof field === 'string' && Object.hasOwn(FIELD_REASONS, field)
  return (known ? FIELD_REASONS[field] : undefined) ?? 'NOT_VALID'
}
