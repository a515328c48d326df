/** Shapes of the answers about who somebody is. */
import {
  anObject,
  array,
  boolean,
  count,
  literalTrue,
  number,
  optional,
  type Shape,
  text,
} from './shape.ts'

type Members = Readonly<Record<string, Shape>>

const texts = array(text)

const userInfo = anObject({
  user: text,
  account: text,
  roles: texts,
  groups: texts,
  disabled: boolean,
  system: boolean,
  password: boolean,
  mfa: boolean,
  uids: array(count),
  tokens: count,
  created_at: number,
  modified_at: number,
})

export const userAnswer: Members = { users: optional(array(userInfo)), next: optional(text) }

export const whoamiAnswer: Members = {
  user: text,
  account: text,
  roles: texts,
  groups: texts,
  mfa: boolean,
  proof: text,
  door: text,
  token: optional(text),
  boundary: optional(texts),
  restricted: optional(text),
}

export const groupAnswer: Members = {
  groups: array(
    anObject({
      name: text,
      description: optional(text),
      built_in: optional(literalTrue),
      members: texts,
      policies: texts,
      created_at: optional(number),
    }),
  ),
}

const boundary: Shape = (value, name) => (value === 'full' ? undefined : texts(value, name))

export const tokenAnswer: Members = {
  tokens: array(
    anObject({
      token: text,
      user: text,
      label: optional(text),
      boundary,
      created_at: number,
      expires_at: optional(number),
      uses_left: optional(count),
    }),
  ),
  secret: optional(text),
}

const zoneInfo = anObject({
  zone: text,
  zone_id: optional(text),
  description: text,
  allow_passwd: boolean,
  allow_tokens: boolean,
  allow_passwd_auth: boolean,
  auto_create: boolean,
  http: boolean,
  max_temp_validity_s: count,
  trusted_uids: optional(array(count)),
  configured: optional(literalTrue),
})

const zoneAccount = anObject({
  zone: text,
  login: text,
  password: boolean,
  password_modified_at: optional(number),
  allow_passwd_auth: boolean,
  tokens: array(anObject({ ident: text, comment: text, modified_at: number })),
})

export const zoneAnswer: Members = {
  zones: optional(array(zoneInfo)),
  accounts: optional(array(zoneAccount)),
  secret: optional(text),
  ident: optional(text),
  matches: optional(boolean),
}

export const mfaAnswer: Members = {
  state: text,
  secret: optional(text),
  uri: optional(text),
  recovery_codes: optional(texts),
  recovery_codes_left: optional(count),
}
