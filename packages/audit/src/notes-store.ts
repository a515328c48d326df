/**
 * The file `checkpoints` of a log: signed notes, appended one by one and synced each. What a crash leaves half written
 * at its end is cut off; whatever else is wrong with it, verification tells.
 */
import { join } from 'node:path'
import { CHECKPOINTS_NAME, openOwn } from './directory.ts'
import type { LogFile, LogFiles } from './log-files.ts'
import {
  type Checkpoint,
  type KeyStatement,
  parseStatement,
  type RetentionStatement,
} from './proof/checkpoint.ts'
import { formatStoredNote, readNotes } from './proof/notes-file.ts'

const READ_BYTES = 256 * 1024

/** What the notes of a log say, read in their order. Nothing is verified here. */
export interface NotesState {
  /** Every key that came into force, oldest first. */
  readonly keys: readonly KeyStatement[]
  /** The last one of the largest tree. */
  readonly checkpoint: Checkpoint | undefined
  readonly retention: RetentionStatement | undefined
}

export class NotesStore {
  readonly #files: LogFiles
  readonly #directory: string
  #file: LogFile | undefined
  /** Bytes of whole notes. */
  #size = 0
  /** The file may have bytes behind `#size`. */
  #torn = false
  #state: NotesState = { keys: [], checkpoint: undefined, retention: undefined }

  private constructor(files: LogFiles, directory: string) {
    this.#files = files
    this.#directory = directory
  }

  /**
   * Take over what is there.
   *
   * @throws AuditError `ERR_AUDIT_DIRECTORY` if the file is not ours
   */
  static async open(files: LogFiles, directory: string): Promise<NotesStore> {
    const store = new NotesStore(files, directory)
    const path = join(directory, CHECKPOINTS_NAME)
    if (files.facts(path) === undefined) return store
    const file = openOwn(files, path, 'write')
    store.#file = file
    const { notes, end, tornBytes } = readNotes(await readWhole(file))
    store.#size = end
    if (tornBytes > 0) file.truncate(end)
    for (const { note } of notes) store.#take(note.text)
    return store
  }

  get state(): NotesState {
    return this.#state
  }

  /** The whole file as it is: to be verified with {@link verifyLog}. */
  async read(): Promise<Uint8Array> {
    if (this.#file === undefined) return new Uint8Array(0)
    const bytes = await readWhole(this.#file)
    return bytes.subarray(0, this.#size)
  }

  /** Append a note, durably; after a failure the file ends as before. One call at a time. */
  async append(note: string): Promise<void> {
    const bytes = Buffer.from(formatStoredNote(note))
    const isNew = this.#file === undefined
    const file = this.#file ?? this.#files.create(join(this.#directory, CHECKPOINTS_NAME))
    this.#file = file
    if (this.#torn) file.truncate(this.#size)
    this.#torn = true
    try {
      const written = file.write(bytes, 0, bytes.length, this.#size)
      if (written !== bytes.length) throw new Error(`${written} of ${bytes.length} bytes written`)
      await file.syncLater()
      if (isNew) this.#files.syncDirectory(this.#directory)
    } catch (error) {
      this.#cut()
      throw error
    }
    this.#torn = false
    this.#size += bytes.length
    this.#take(note.slice(0, note.lastIndexOf('\n\n') + 1))
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  #cut(): void {
    try {
      this.#file?.truncate(this.#size)
      this.#torn = false
    } catch {
      // Before the next note it is tried again.
    }
  }

  #take(text: string): void {
    const statement = parseStatement(text)
    if (statement === undefined) return
    const { keys, checkpoint, retention } = this.#state
    if (statement.kind === 'key') {
      this.#state = { keys: [...keys, statement], checkpoint, retention }
    } else if (statement.kind === 'retention') {
      this.#state = { keys, checkpoint, retention: statement }
    } else if (statement.size >= (checkpoint?.size ?? 0)) {
      this.#state = { keys, checkpoint: statement, retention }
    }
  }
}

/** All bytes of a file. */
export async function readWhole(file: LogFile): Promise<Buffer> {
  const { size } = file.facts()
  const bytes = Buffer.allocUnsafe(size)
  let done = 0
  while (done < size) {
    const read = await file.read(bytes.subarray(done, Math.min(size, done + READ_BYTES)), done)
    if (read === 0) break
    done += read
  }
  return bytes.subarray(0, done)
}
