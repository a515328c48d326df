/** The audit log beside the model: exactly one record of each operation, which no death but that of the power takes. */
import type { MemoryFiles } from '@secreg/audit/testing'
import type { Line } from './fixture.ts'
import type { ModelRecord } from './model.ts'

export class ModelLog {
  readonly #files: MemoryFiles
  #known: Line[] = []
  /** Of the text that is known. */
  #length = 0

  constructor(files: MemoryFiles) {
    this.#files = files
    this.skip()
  }

  /** Records since the last call of this or of {@link skip}. */
  take(): Line[] {
    const text = this.#text()
    const fresh = linesIn(text.slice(this.#length))
    this.#length = text.length
    this.#known.push(...fresh)
    return fresh
  }

  /** Whatever was recorded meanwhile is the test's own. */
  skip(): void {
    this.take()
  }

  /**
   * What a new process finds: every change of which it was told; everything, unless power went.
   *
   * @returns what is there beside it
   */
  afterDeath(power: boolean): Line[] {
    const before = this.#known.map(textOf)
    const kept = power ? before.filter((_, at) => this.#known[at]?.rev !== undefined) : before
    this.#known = []
    this.#length = 0
    this.take()
    const told = new Set(before)
    const seen = new Set<string>()
    const more: Line[] = []
    let at = 0
    for (const line of this.#known) {
      const text = textOf(line)
      if (text === kept[at]) at++
      if (!told.has(text)) more.push(line)
      else if (line.rev !== undefined && seen.has(text)) throw new Error(`twice recorded: ${text}`)
      seen.add(text)
    }
    if (at < kept.length) throw new Error(`a record was lost: ${kept[at]}`)
    return more
  }

  /** One character a byte: what is known of it is not read again. */
  #text(): string {
    const names = this.#files.list('/log').filter((name) => name.endsWith('.jsonl'))
    return names
      .sort()
      .map((name) => this.#files.readFile(`/log/${name}`).toString('latin1'))
      .join('')
  }
}

function linesIn(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** The members of records that the model knows. */
export function recordOf({ body }: Line): ModelRecord {
  const { action, outcome, paths, actor, reason, versions } = body
  return {
    action,
    outcome,
    user: actor.user ?? '',
    paths,
    ...(reason === undefined ? {} : { reason }),
    ...(versions === undefined ? {} : { versions }),
  }
}

/** What tells one record from another: two of one commit are never alike. */
function textOf({ rev, body }: Line): string {
  return JSON.stringify([rev, body])
}
