/**
 * Keys of the zones that stand in the file: `[zones.NAME]`, for as many names as there are. The names are the user's own,
 * so these rows are read apart from those with one place each.
 */
import { distance } from 'fastest-levenshtein'
import { z } from 'zod'
import { type ConfigKey, type ConfigRow, flag, integer, keyOf, text } from './config-row.ts'
import type { ConfigZone } from './config-values.ts'

type Rows = { readonly [F in keyof ConfigZone]-?: ConfigRow<ConfigZone[F]> }

/** Section of the file that they are below. */
export const ZONES_SECTION = 'zones'

const TEMP_VALIDITY_MAX_S = 100 * 366 * 86_400
const DESCRIPTION_CHARS = 1024
const TRUSTED_UIDS = 256
/** The kernel shows this one for every user that its namespace does not know (user_namespaces(7)). */
const OVERFLOW_UID = 65_534n
const UID_MAX = 0xffff_fffen

/** One line: what is in it reaches terminals and logs. */
const LINE = /^[^\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u
const NAME = /^[A-Za-z0-9._-]{1,64}$/

/** What the name of a zone may be, in words. */
export const ZONE_NAME_FORM = 'a name of 1 to 64 letters, digits, ".", "_" and "-", not "." or ".."'

/** Tell whether a text is the name of a zone. */
export function isConfigZoneName(name: string): boolean {
  return NAME.test(name) && name !== '.' && name !== '..'
}

const key = (name: string): string => `${ZONES_SECTION}.NAME.${name}`

/** The checks of the keys of one zone, in the shape of {@link ConfigZone}. */
export const ZONE_ROWS: Rows = Object.freeze({
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
})

/** The keys of one zone in the order of the table, with `NAME` for its name. */
export const ZONE_KEYS: readonly ConfigKey[] = Object.freeze(Object.values(ZONE_ROWS).map(keyOf))

/** The same by their last names. */
export const ZONE_FIELDS: ReadonlyMap<string, readonly [field: string, row: ConfigRow<unknown>]> =
  new Map(
    Object.entries(ZONE_ROWS as Readonly<Record<string, ConfigRow<unknown>>>).map(
      ([field, row]) => [lastName(row.name), [field, row] as const],
    ),
  )

/**
 * The key of a zone that was most likely meant by an unknown one.
 *
 * @param segments - Names of the unknown key from the root.
 * @returns names from the root; undefined when it is not near to any
 */
export function closestZoneKey(segments: readonly string[]): readonly string[] | undefined {
  const [section = '', ...rest] = segments
  const last = rest.pop() ?? ''
  // A name with a dot in it needs quotes, else it is a table in a table.
  const name = rest.join('.')
  if (!isConfigZoneName(name) || last.length > 64 || section.length > 64) return undefined
  if (distance(section, ZONES_SECTION) > 2) return undefined
  const [best] = [...ZONE_FIELDS.keys()]
    .map((own) => ({ own, steps: distance(last, own) }))
    .sort((a, b) => a.steps - b.steps)
  if (best === undefined || best.steps > Math.max(2, last.length / 2)) return undefined
  return [ZONES_SECTION, name, best.own]
}

function lastName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
