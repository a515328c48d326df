/**
 * The three texts that a log signs, one field a line, each line closed by a newline:
 *
 * | first line | then |
 * |---|---|
 * | the origin | size, root in base64, extension lines (C2SP tlog-checkpoint) |
 * | `secreg audit key` | origin, size, vkey, and the vkey before it unless it is the first |
 * | `secreg audit retention` | origin, last removed segment, number of removed lines, leaf hash of the last of them (64 hex), root of their tree in base64 |
 *
 * A hand-over names both keys and is signed by both, so that either of them vouches for the other:
 * a new key that signed a text without the old one would vouch for whoever adds a signature.
 */
import { parseVkey } from './note.ts'
import { assertNumber, formatBase64, isHexHash, parseHash, parseNumber } from './text.ts'

const KEY_TITLE = 'secreg audit key'
const RETENTION_TITLE = 'secreg audit retention'
/** No origin begins so: a checkpoint can never be read as one of the other texts. */
const TITLE_PREFIX = 'secreg audit '

/** Head of the Merkle tree at a size. */
export interface Checkpoint {
  readonly origin: string
  /** Leaves, which is the sequence of the last line. */
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
  /** Lines behind the root, unknown to us; we write none. */
  readonly extensions?: readonly string[]
}

/** The first key of a log, or a hand-over from one key to the next. */
export interface KeyStatement {
  readonly origin: string
  /** Size of the tree at the hand-over: the key signs from there on. */
  readonly size: number
  readonly vkey: string
  /** The key that signed up to there; absent for the first one. */
  readonly previous?: string
}

/** Which lines were removed, for good, from the beginning of the log. */
export interface RetentionStatement {
  readonly origin: string
  /** Last removed segment. */
  readonly segment: number
  /** Number of removed lines, which is the sequence of the last of them. */
  readonly size: number
  /** Leaf hash of that line, 64 hex digits. */
  readonly hash: string
  /** Root of the tree of the removed lines, 32 bytes. */
  readonly root: Uint8Array
}

/** What a text says. */
export type Statement =
  | ({ readonly kind: 'checkpoint' } & Checkpoint)
  | ({ readonly kind: 'key' } & KeyStatement)
  | ({ readonly kind: 'retention' } & RetentionStatement)

export function formatCheckpoint({ origin, size, root, extensions = [] }: Checkpoint): string {
  return lines(assertOrigin(origin), assertNumber(size, 'size'), formatRoot(root), ...extensions)
}

/** Read the text of a checkpoint; undefined if it is anything else. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin, sizeText, rootText, ...extensions] = fields(text) ?? []
  const size = parseNumber(sizeText)
  const root = parseHash(rootText)
  if (origin === undefined || origin.startsWith(TITLE_PREFIX)) return undefined
  if (size === undefined || root === undefined) return undefined
  return { origin, size, root, extensions }
}

export function formatKeyStatement({ origin, size, vkey, previous }: KeyStatement): string {
  const keys = previous === undefined ? [vkey] : [vkey, previous]
  if (!keys.every((key) => parseVkey(key)?.name === origin)) {
    throw new RangeError('expected a vkey whose name is the origin')
  }
  return lines(KEY_TITLE, assertOrigin(origin), assertNumber(size, 'size'), ...keys)
}

/** Read a hand-over; undefined if it is anything else or a key's name is not the origin. */
export function parseKeyStatement(text: string): KeyStatement | undefined {
  const [title, origin, sizeText, vkey, previous, ...rest] = fields(text) ?? []
  const size = parseNumber(sizeText)
  if (title !== KEY_TITLE || origin === undefined || size === undefined) return undefined
  if (vkey === undefined || parseVkey(vkey)?.name !== origin || rest.length > 0) return undefined
  if (previous === undefined) return { origin, size, vkey }
  return parseVkey(previous)?.name === origin ? { origin, size, vkey, previous } : undefined
}

export function formatRetention(statement: RetentionStatement): string {
  const { origin, segment, size, hash, root } = statement
  if (!isHexHash(hash)) throw new RangeError('expected hash of 64 hex digits')
  return lines(
    RETENTION_TITLE,
    assertOrigin(origin),
    assertNumber(segment, 'segment'),
    assertNumber(size, 'size'),
    hash,
    formatRoot(root),
  )
}

/** Read a note of retention; undefined if it is anything else. */
export function parseRetention(text: string): RetentionStatement | undefined {
  const [title, origin, segmentText, sizeText, hash, rootText, ...rest] = fields(text) ?? []
  const segment = parseNumber(segmentText)
  const size = parseNumber(sizeText)
  const root = parseHash(rootText)
  if (title !== RETENTION_TITLE || origin === undefined || rest.length > 0) return undefined
  if (segment === undefined || size === undefined || root === undefined) return undefined
  if (segment < 1 || size < 1 || !isHexHash(hash)) return undefined
  return { origin, segment, size, hash, root }
}

/** Whether a text says something about keys; it may still not have the form. */
export function isKeyText(text: string): boolean {
  return text.startsWith(`${KEY_TITLE}\n`)
}

/** Read any of the three texts, told apart by the first line. */
export function parseStatement(text: string): Statement | undefined {
  if (isKeyText(text)) return tagged('key', parseKeyStatement(text))
  if (text.startsWith(`${RETENTION_TITLE}\n`)) return tagged('retention', parseRetention(text))
  return tagged('checkpoint', parseCheckpoint(text))
}

function tagged<K extends string, T extends object>(
  kind: K,
  value: T | undefined,
): ({ readonly kind: K } & T) | undefined {
  return value === undefined ? undefined : { kind, ...value }
}

function lines(...values: (string | number)[]): string {
  const texts = values.map(String)
  if (texts.some((text) => text === '' || text.includes('\n'))) {
    throw new RangeError('expected lines that are not empty')
  }
  return `${texts.join('\n')}\n`
}

/** Lines of a text that ends in a newline; undefined if one of them is empty. */
function fields(text: string): string[] | undefined {
  if (!text.endsWith('\n')) return undefined
  const values = text.slice(0, -1).split('\n')
  return values.includes('') ? undefined : values
}

function assertOrigin(origin: string): string {
  if (origin !== '' && !/[\n+\p{White_Space}]/u.test(origin)) return origin
  throw new RangeError('expected origin without blank and "+"')
}

function formatRoot(root: Uint8Array): string {
  const text = formatBase64(root)
  if (parseHash(text) === undefined) throw new RangeError('expected root of 32 bytes')
  return text
}
