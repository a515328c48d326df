/** Values of keys that are given elsewhere than in the file, as texts: by variables of the environment. */
import type { ConfigRow } from './config-row.ts'
import { CONFIG_ROWS } from './config-schema.ts'
import type { Config } from './config-values.ts'

/** A configuration with other values, and what was wrong with them. */
export interface ConfigWithTexts {
  /** Frozen; of what was wrong, the old values. */
  readonly config: Config
  /** Keys whose text is no value, with what was expected, in words that repeat no text. */
  readonly wrong: readonly { readonly key: string; readonly expected: string }[]
}

type Row = ConfigRow<unknown>
type Values = Readonly<Record<string, unknown>>

const FIELDS: ReadonlyMap<string, { path: readonly string[]; row: Row }> = new Map(
  Object.entries(CONFIG_ROWS).flatMap(([section, rows]) =>
    Object.entries(rows as Readonly<Record<string, Row>>).map(
      ([field, row]) => [row.name, { path: [...section.split('.'), field], row }] as const,
    ),
  ),
)
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false],
])

/**
 * Put texts in the place of values of the file. A text may be what the key may be: decimal digits of an integer;
 * `true`, `1`, `yes`, `false`, `0` or `no`, in any case, of a boolean; items with commas between them of a list.
 *
 * @param texts - by the dotted names of keys that have one place each
 * @throws RangeError for a key that there is not
 */
export function withConfigTexts(
  config: Config,
  texts: ReadonlyMap<string, string>,
): ConfigWithTexts {
  const wrong: { key: string; expected: string }[] = []
  let changed = config as unknown as Values
  for (const [key, text] of texts) {
    const field = FIELDS.get(key)
    if (field === undefined) throw new RangeError('texts: expected names of keys')
    const { path, row } = field
    const result = row.schema.safeParse(inFile(row, text))
    if (result.success) changed = replaced(changed, path, result.data)
    else wrong.push({ key, expected: row.type === 'boolean' ? BOOLEAN : row.expected })
  }
  return { config: changed as unknown as Config, wrong }
}

const BOOLEAN = 'true, 1 or yes, or false, 0 or no'

/** What would stand in the file; undefined, which is no value of any key, where nothing would. */
function inFile(row: Row, text: string): unknown {
  switch (row.type) {
    case 'integer':
      return /^[0-9]{1,18}$/.test(text) ? BigInt(text) : undefined
    case 'boolean':
      return BOOLEANS.get(text.toLowerCase())
    case 'list of strings':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    default:
      return text
  }
}

function replaced(values: Values, path: readonly string[], value: unknown): Values {
  const [name = '', ...below] = path
  const inner = below.length === 0 ? value : replaced(values[name] as Values, below, value)
  return Object.freeze({ ...values, [name]: inner })
}
