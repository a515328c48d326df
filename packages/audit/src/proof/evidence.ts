import { Slices } from '../slices.ts'
import { isKeyText, parseStatement, type RetentionStatement, type Statement } from './checkpoint.ts'
import { isSigned, type KeyPeriod, type NoteFault, readKeyChain, unlimited } from './key-chain.ts'
import { type Note, type NoteKey, parseNote } from './note.ts'
import { type NotesFile, type StoredNote, scanNotes } from './notes-file.ts'

/** A signed root of the tree at a size. */
export interface Mark {
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
  /** Byte offset of the note in the file; 0 for one from outside. */
  readonly offset: number
  readonly kind: 'checkpoint' | 'retention'
}

/** What is signed about a log. Only statements whose signatures fit are in it. */
export interface Evidence {
  /** By size. */
  readonly marks: readonly Mark[]
  readonly retentions: readonly RetentionStatement[]
  /** Lines that the log must have. */
  readonly least: number
  /** The first fault of the notes, or of the checkpoints from outside. */
  readonly fault?: NoteFault
}

export interface EvidenceSource {
  /** The file `checkpoints`; undefined if it is not to be looked at, empty if there is none. */
  readonly notes?: string | Uint8Array | undefined
  /** Keys known from elsewhere, all of one name. */
  readonly keys: readonly NoteKey[]
  /** Signed checkpoints kept elsewhere. */
  readonly outside: readonly string[]
}

/** Collect what is signed. The signature of each note is checked here. */
export async function readEvidence({ notes, keys, outside }: EvidenceSource): Promise<Evidence> {
  const slices = new Slices()
  const file = await readInSlices(notes ?? '', slices)
  const faults: NoteFault[] = file.damage.map((offset) => ({
    offset,
    sequence: 0,
    kind: 'checkpoint',
    message: `the signed notes are damaged at byte ${offset}`,
  }))
  const statements = file.notes.filter(({ note }) => isKeyText(note.text))
  const chain =
    notes === undefined || (file.notes.length === 0 && keys.length === 0)
      ? { periods: keys.map(unlimited) }
      : readKeyChain(statements, keys)
  if (chain.fault !== undefined) faults.push(chain.fault)
  const collector = new Collector(chain.periods, faults)
  for (const { note, offset } of file.notes) {
    if (!isKeyText(note.text)) collector.take(note, offset, `the signed note at byte ${offset}`)
    if (slices.due) await slices.pause()
  }
  faults.sort((a, b) => a.offset - b.offset)
  for (const [index, text] of outside.entries()) {
    collector.takeOutside(parseNote(text), `checkpoint ${index + 1} from outside`)
    if (slices.due) await slices.pause()
  }
  return collector.evidence()
}

async function readInSlices(notes: string | Uint8Array, slices: Slices): Promise<NotesFile> {
  const scan = scanNotes(notes)
  const stored: StoredNote[] = []
  let step = scan.next()
  for (; !step.done; step = scan.next()) {
    stored.push(step.value)
    if (slices.due) await slices.pause()
  }
  return { notes: stored, ...step.value }
}

class Collector {
  readonly #periods: readonly KeyPeriod[]
  readonly #faults: NoteFault[]
  readonly #marks: Mark[] = []
  readonly #retentions: RetentionStatement[] = []

  constructor(periods: readonly KeyPeriod[], faults: NoteFault[]) {
    this.#periods = periods
    this.#faults = faults
  }

  take(note: Note, offset: number, name: string): void {
    const statement = parseStatement(note.text)
    if (statement === undefined || statement.kind === 'key') {
      this.#fail(offset, 0, 'checkpoint', `${name} has not its form`)
      return
    }
    const { kind, size, root } = statement
    if (!this.#accepts(note, statement)) {
      const what = `${name} is not signed by a key of this log in force at ${size} lines`
      this.#fail(offset, size, kind, what)
      return
    }
    if (statement.kind === 'retention') this.#retentions.push(statement)
    this.#marks.push({ size, root, offset, kind })
  }

  takeOutside(note: Note | undefined, name: string): void {
    if (note !== undefined && parseStatement(note.text)?.kind === 'checkpoint') {
      this.take(note, 0, name)
    } else {
      this.#fail(0, 0, 'checkpoint', `${name} has not its form`)
    }
  }

  evidence(): Evidence {
    const marks = this.#marks.sort((a, b) => a.size - b.size)
    const [fault] = this.#faults
    // A trusted key that no hand-over tells of begins at 0.
    const least = Math.max(0, marks.at(-1)?.size ?? 0, ...this.#periods.map(({ from }) => from))
    return { marks, retentions: this.#retentions, least, ...(fault === undefined ? {} : { fault }) }
  }

  #accepts(note: Note, { kind, origin, size }: Statement): boolean {
    const periods = this.#periods
    return (
      periods.every(({ key }) => key.name === origin) &&
      isSigned(note, periods, size, kind === 'retention')
    )
  }

  #fail(offset: number, sequence: number, kind: 'checkpoint' | 'retention', message: string): void {
    this.#faults.push({ offset, sequence, kind, message })
  }
}
