/**
 * Replies, from whatever server they come: what no public text says is read in every spelling that fits (specs: subauth
 * §5), fields that are not known are ignored.
 */
import * as z from 'zod'
import { SubauthError } from '../errors.ts'
import type { SubauthAccounts, SubauthEntry, SubauthZone } from './accounts.ts'
import { type JsonObject, parseJsonObject } from './json-object.ts'

const flag = z.union([z.literal(0), z.literal(1), z.boolean()]).transform(Boolean)

const entry: z.ZodType<SubauthEntry | undefined> = z
  .object({
    type: z.string(),
    ident: z.string().default(''),
    comment: z.string().default(''),
    lastmod: z.int(),
  })
  .transform(({ type, ident, comment, lastmod: modifiedAtS }) => {
    if (type === 'passwd') return { type, modifiedAtS }
    return type === 'token' ? { type, ident, comment, modifiedAtS } : undefined
  })

const account = z
  .object({ zone: z.string(), 'allow-passwd-auth': flag, tokens: z.array(entry) })
  .transform(({ zone, 'allow-passwd-auth': allowPasswdAuth, tokens }) => ({
    zone,
    allowPasswdAuth,
    tokens: tokens.filter((one) => one !== undefined),
  }))

const accounts: z.ZodType<SubauthAccounts> = z
  .object({
    login: z.string(),
    accounts: z.array(account).optional(),
    accts: z.array(account).optional(),
  })
  .transform(({ login, accounts, accts }, context) => {
    const found = accounts ?? accts
    if (found === undefined) {
      context.addIssue('no accounts')
      return z.NEVER
    }
    return { login, accounts: found }
  })

const zone = z
  .object({
    name: z.string().optional(),
    zone: z.string().optional(),
    desc: z.string().default(''),
    'allow-passwd': flag,
    'allow-tokens': flag,
    'allow-passwd-auth': flag,
    'max-temp-validity': z.int().min(0),
  })
  .transform((of, context) => {
    const name = of.name ?? of.zone
    if (name === undefined) {
      context.addIssue('no name')
      return z.NEVER
    }
    return {
      zone: name,
      description: of.desc,
      allowPasswd: of['allow-passwd'],
      allowTokens: of['allow-tokens'],
      allowPasswdAuth: of['allow-passwd-auth'],
      maxTempValidityS: of['max-temp-validity'],
    }
  })

const zones: z.ZodType<{ readonly zones: readonly SubauthZone[] }> = z.object({
  zones: z.array(zone),
})
const temporary = z.object({ token: z.string().min(1) })
const regular = z.object({ token: z.string().min(1), ident: z.string().min(1) })

/**
 * Read whether a request was done.
 *
 * @returns the reply, whose `error` is empty
 * @throws SubauthError `ERR_SUBAUTH_REFUSED` with the text of the server as it is, `ERR_SUBAUTH_ANSWER_INVALID`
 */
export function parseReply(packet: Uint8Array): JsonObject {
  const reply = objectIn(packet)
  const { error } = reply
  if (typeof error !== 'string') throw new SubauthError('ANSWER_INVALID')
  if (error !== '') throw new SubauthError('REFUSED', { text: error })
  return reply
}

export function accountsIn(reply: JsonObject): SubauthAccounts {
  return checked(accounts, reply)
}

export function zonesIn(reply: JsonObject): readonly SubauthZone[] {
  return checked(zones, reply).zones
}

export function temporaryTokenIn(reply: JsonObject): { readonly token: string } {
  return checked(temporary, reply)
}

export function tokenIn(reply: JsonObject): { readonly token: string; readonly ident: string } {
  return checked(regular, reply)
}

function objectIn(packet: Uint8Array): JsonObject {
  try {
    return parseJsonObject(packet)
  } catch {
    throw new SubauthError('ANSWER_INVALID')
  }
}

function checked<T>(schema: z.ZodType<T>, reply: JsonObject): T {
  const { success, data } = schema.safeParse(reply)
  // What was answered may hold a token, so it is not quoted.
  if (!success) throw new SubauthError('ANSWER_INVALID')
  return data
}
