/** Keys of the zones that stand in the file: `[zones.NAME]`, for as many names as there are. */
import * as z from 'zod'
import { type NamedRows, type NamedTables, namedTables } from './config-named-tables.ts'
import { type ConfigKey, flag, integer, text } from './config-row.ts'
import type { ConfigZone } from './config-values.ts'

const TEMP_VALIDITY_MAX_S = 100 * 366 * 86_400
const DESCRIPTION_CHARS = 1024
const TRUSTED_UIDS = 256
/** The kernel shows this one for every user that its namespace does not know (user_namespaces(7)). */
const OVERFLOW_UID = 65_534n
const UID_MAX = 0xffff_fffen

/** One line: what is in it reaches terminals and logs. */
const LINE = /^[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u

const key = (name: string): string => `zones.NAME.${name}`

const ZONE_ROWS: NamedRows<ConfigZone> = {
  description: text(
    key('desc'),
    '',
    {
      expected: `one line of at most ${DESCRIPTION_CHARS} characters`,
      schema: z.string().max(DESCRIPTION_CHARS).regex(LINE),
    },
    'What it is, for people',
  ),
  allowPasswd: flag(key('allow_passwd'), false, 'Its accounts may have a password'),
  allowTokens: flag(key('allow_tokens'), false, 'Its accounts may have tokens'),
  allowPasswdAuth: flag(
    key('allow_passwd_auth'),
    false,
    'An account may be managed with its own password, where it allows that itself',
  ),
  maxTempValiditySeconds: integer(
    key('max_temp_validity'),
    [0, 0, TEMP_VALIDITY_MAX_S],
    'seconds',
    'Longest validity of a temporary token; 0 is no temporary tokens',
  ),
  autoCreate: flag(
    key('auto_create'),
    false,
    'An account is made with its first password or token',
  ),
  trustedUids: {
    name: key('trusted_uids'),
    type: 'list of integers',
    unit: '',
    fallback: Object.freeze([]),
    shown: '[]',
    schema: z
      .array(
        z
          .bigint()
          .min(0n)
          .max(UID_MAX)
          .refine((uid) => uid !== OVERFLOW_UID)
          .transform(Number),
      )
      .max(TRUSTED_UIDS)
      .readonly(),
    expected: `a list of at most ${TRUSTED_UIDS} ids of users, none of them ${OVERFLOW_UID}`,
    description: 'Users that may check the secrets of others, beside root',
    sensitive: false,
  },
  http: flag(key('http'), false, 'Tokens of its accounts are credentials at HTTP'),
}

/** The zones of the file. */
export const ZONE_TABLES: NamedTables = namedTables(['zones'], ZONE_ROWS)

/** The keys of one zone in the order of the table, with `NAME` for its name. */
export const ZONE_KEYS: readonly ConfigKey[] = ZONE_TABLES.keys
