/**
 * The file `checkpoints`: signed notes one after another, each followed by an empty line. No text
 * in it has an empty line, so the file is blocks with an empty line behind each, by turns a text
 * and its signature lines.
 */
import { type Note, parseNote } from './note.ts'

/** A note and where it stands. */
export interface StoredNote {
  /** Byte offset of its text in the file. */
  readonly offset: number
  /** Byte offset behind the empty line that closes it. */
  readonly end: number
  readonly note: Note
}

/** What else there is in the file. */
export interface NotesRest {
  /** Byte offset behind the last complete block; what follows was not written whole. */
  readonly end: number
  /** Bytes behind `end`: a crash leaves them, the owner of the file cuts them off. */
  readonly tornBytes: number
  /** Byte offsets of blocks before `end` that belong to no note, or to one without its form. */
  readonly damage: readonly number[]
}

export interface NotesFile extends NotesRest {
  readonly notes: readonly StoredNote[]
}

const NEWLINE = 0x0a
const SIGNATURE_START: Buffer = Buffer.from('\u2014 ')

/** A note as it is appended to the file: with the empty line that closes it. */
export function formatStoredNote(note: string): string {
  return `${note}\n`
}

/** Split the file into its notes. Nothing is verified here but the form. */
export function readNotes(source: string | Uint8Array): NotesFile {
  const scan = scanNotes(source)
  const notes: StoredNote[] = []
  let step = scan.next()
  for (; !step.done; step = scan.next()) notes.push(step.value)
  return { notes, ...step.value }
}

/** As {@link readNotes}, one note after another. */
export function* scanNotes(source: string | Uint8Array): Generator<StoredNote, NotesRest> {
  const bytes =
    typeof source === 'string'
      ? Buffer.from(source)
      : Buffer.from(source.buffer, source.byteOffset, source.length)
  const damage: number[] = []
  let end = 0
  /** Behind the last note. */
  let whole = 0
  /** Where a text begins whose signatures have not come yet. */
  let text = -1
  for (let start = 0; ; ) {
    if (bytes[start] === NEWLINE) {
      damage.push(text < 0 ? start : text)
      text = -1
      end = ++start
      continue
    }
    const blank = bytes.indexOf('\n\n', start)
    if (blank < 0) break
    const next = blank + 2
    if (startsSignature(bytes, start)) {
      const note = text < 0 ? undefined : parseNote(bytes.subarray(text, blank + 1))
      if (note === undefined) {
        damage.push(text < 0 ? start : text)
      } else {
        yield { offset: text, end: next, note }
        whole = next
      }
      text = -1
      end = next
    } else {
      if (text >= 0) {
        damage.push(text)
        end = start
      }
      text = start
    }
    start = next
  }
  // Only a loss of power leaves a NUL. With no note behind it, it is the tail that was torn.
  if (bytes.indexOf(0, whole) < 0) return { end, tornBytes: bytes.length - end, damage }
  const before = damage.filter((offset) => offset < whole)
  return { end: whole, tornBytes: bytes.length - whole, damage: before }
}

function startsSignature(bytes: Buffer, start: number): boolean {
  return bytes.subarray(start, start + SIGNATURE_START.length).equals(SIGNATURE_START)
}
