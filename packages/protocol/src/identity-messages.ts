/** Requests about who somebody is: logins, accounts, groups, roles, tokens, zones and second factors (DESIGN §3). */
import * as z from 'zod'
import { login, secretText, text } from './fields.ts'
import { LIMITS } from './limits.ts'

const roleName = text(LIMITS.nameChars)
const roles = z.array(roleName).max(LIMITS.namesPerAccount)
const groups = z.array(roleName).max(LIMITS.namesPerAccount)
const policyId = text(64)
const ident = text(64)
/** Seconds, at most 100 years. */
const seconds = z
  .int()
  .min(1)
  .max(100 * 366 * 86_400)

/** Principal that a gateway has seen to be the caller, such as `tailnet:alice@example.com` or `cert:<sha256>`. */
const assertion = text(256).min(1)

/**
 * `{"username","password"}` as documented, or `{"token"}`. `otp` is the second factor: six digits, or a recovery code.
 * `kernel`, instead of a credential: the account that the uid of the peer is mapped to, as the kernel reports it.
 * `bound`: the session is for this connection alone, ends with it, and takes the place of no other session of the account.
 * `assertions`, instead of a credential, and `address` are believed of a gateway only.
 */
export const authRequest = z
  .object({
    username: text(256).optional(),
    password: secretText.optional(),
    otp: text(32).optional(),
    token: text(LIMITS.tokenChars).optional(),
    kernel: z.literal(true).optional(),
    bound: z.literal(true).optional(),
    assertions: z.array(assertion).min(1).max(LIMITS.assertions).optional(),
    /** Remote address of the caller. */
    address: text(64).min(1).optional(),
  })
  .refine(
    ({ username, password, token, kernel, assertions }) =>
      [username ?? password, token, kernel, assertions].filter((one) => one !== undefined)
        .length === 1 && (username === undefined) === (password === undefined),
    'username and password, or a token, or kernel, or assertions',
  )

/** Administration of accounts. */
export const userRequest = z.discriminatedUnion('op', [
  z.object({
    op: z.literal('list'),
    limit: z.int().min(1).max(LIMITS.listKeys).optional(),
    /** Continue behind this one. */
    after: login.optional(),
  }),
  z.object({ op: z.literal('show'), user: login }),
  z.object({
    op: z.literal('add'),
    user: login,
    /** None: it has no password yet, or needs none. */
    password: secretText.optional(),
    roles: roles.optional(),
    groups: groups.optional(),
    uids: z.array(z.int()).max(256).optional(),
    /** The password is the one of the system user of this name. */
    system: z.boolean().optional(),
  }),
  z.object({ op: z.literal('remove'), user: login }),
  z.object({ op: z.literal('rename'), user: login, name: login }),
  z.object({ op: z.literal('roles'), user: login, roles }),
  z.object({ op: z.literal('groups'), user: login, groups }),
  z.object({ op: z.literal('uids'), user: login, uids: z.array(z.int()).max(256) }),
  z.object({ op: z.literal('system'), user: login, system: z.boolean() }),
  z.object({ op: z.literal('password'), user: login, password: secretText }),
  z.object({ op: z.literal('enable'), user: login }),
  z.object({ op: z.literal('disable'), user: login }),
  /** End its sessions and all its tokens. */
  z.object({ op: z.literal('revoke'), user: login }),
])

/** Change one's own password. */
export const passwordRequest = z.object({ old_password: secretText, new_password: secretText })

const kind = z.enum(['group', 'role'])
const description = text(LIMITS.descriptionChars)

/** Groups and roles: both are names that accounts have and policies speak of. */
export const groupRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('list'), kind }),
  z.object({ op: z.literal('show'), kind, name: roleName }),
  z.object({ op: z.literal('add'), kind, name: roleName, description: description.optional() }),
  z.object({ op: z.literal('describe'), kind, name: roleName, description }),
  z.object({ op: z.literal('remove'), kind, name: roleName }),
  z.object({ op: z.literal('join'), kind, name: roleName, user: login }),
  z.object({ op: z.literal('leave'), kind, name: roleName, user: login }),
])

/** Access tokens; of another user with the right to administer him. */
export const tokenRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('list'), user: login.optional() }),
  z.object({
    op: z.literal('create'),
    user: login.optional(),
    label: text(LIMITS.labelChars).optional(),
    /** Policies that alone must allow what is done with it, or `full`: whatever its owner may. */
    boundary: z.union([z.literal('full'), z.array(policyId).min(1).max(LIMITS.boundaryPolicies)]),
    expires_in_s: seconds.optional(),
    uses: z.int().min(1).max(1_000_000_000).optional(),
  }),
  z.object({ op: z.literal('revoke'), token: ident }),
])

const zone = text(64)
/** Of a system user; longer and freer than a login of ours. */
const zoneLogin = text(64)
const flag = z.boolean().optional()
const zoneSwitches = {
  description: description.optional(),
  allow_passwd: flag,
  allow_tokens: flag,
  allow_passwd_auth: flag,
  auto_create: flag,
  http: flag,
  /** Seconds; 0 is no temporary tokens. */
  max_temp_validity_s: z
    .int()
    .min(0)
    .max(100 * 366 * 86_400)
    .optional(),
  trusted_uids: z.array(z.int()).max(256).optional(),
}

/**
 * What a request about an account of a zone begins with. At the door of the zones, `login` may be absent: the caller's own;
 * and `auth_password` is the account's password, which then alone decides whether the request is allowed.
 */
const managed = { zone, login: zoneLogin.optional(), auth_password: secretText.optional() }

/** Zones and the accounts in them. */
export const zoneRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('list') }),
  z.object({ op: z.literal('add'), zone, ...zoneSwitches }),
  z.object({ op: z.literal('set'), zone, ...zoneSwitches }),
  z.object({ op: z.literal('remove'), zone }),
  /** Of one zone, or of one login in all zones. */
  z.object({ op: z.literal('accounts'), zone: zone.optional(), login: zoneLogin.optional() }),
  z.object({ op: z.literal('create-account'), zone, login: zoneLogin }),
  /** Zone `*`: in all zones. */
  z.object({ op: z.literal('delete-account'), zone, login: zoneLogin }),
  z.object({ op: z.literal('create-token'), ...managed, comment: text(255).optional() }),
  z.object({ op: z.literal('change-token'), ...managed, ident, comment: text(255).optional() }),
  /** Ident `*`: all of them, temporary ones too. */
  z.object({ op: z.literal('delete-token'), ...managed, ident }),
  z.object({ op: z.literal('set-password'), ...managed, password: secretText }),
  z.object({ op: z.literal('delete-password'), ...managed }),
  z.object({ op: z.literal('create-temp'), ...managed, validity_s: seconds }),
  z.object({ op: z.literal('allow-password'), ...managed, allow: z.boolean() }),
  /** Whether a password or token opens an account of a zone. */
  z.object({ op: z.literal('check'), zone, login: zoneLogin.optional(), password: secretText }),
])

/** One's own second factor; with `user`, somebody else's by the right to administer him. */
export const mfaRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('status'), user: login.optional() }),
  /** Make a secret; it counts once a code of it has confirmed it. */
  z.object({ op: z.literal('begin'), password: secretText }),
  z.object({ op: z.literal('confirm'), code: text(32) }),
  /** New recovery codes instead of the old ones. */
  z.object({ op: z.literal('recovery'), code: text(32) }),
  z.object({ op: z.literal('remove'), code: text(32) }),
  z.object({ op: z.literal('reset'), user: login }),
])
