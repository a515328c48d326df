/** The audit log beside the model: exactly one record of each operation, which no death but that of the power takes. */
import { isDeepStrictEqual } from 'node:util'
import type { MemoryFiles } from '@secreg/audit/testing'
import { type Line, linesOf } from './fixture.ts'
import type { ModelRecord } from './model.ts'

export class ModelLog {
  readonly #files: MemoryFiles
  #known: Line[] = []

  constructor(files: MemoryFiles) {
    this.#files = files
    this.skip()
  }

  /** Records since the last call of this or of {@link skip}. */
  take(): Line[] {
    const lines = linesOf(this.#files)
    const fresh = lines.slice(this.#known.length)
    this.#known = lines
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
    const before = this.#known
    this.#known = linesOf(this.#files)
    const kept = power ? before.filter(({ rev }) => rev !== undefined) : before
    let at = 0
    const more: Line[] = []
    for (const line of this.#known) {
      const wanted = kept[at]
      if (wanted !== undefined && isSame(line, wanted)) at++
      else if (!before.some((each) => isSame(each, line))) more.push(line)
    }
    if (at < kept.length) throw new Error(`a record was lost: ${JSON.stringify(kept[at])}`)
    return more
  }
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

function isSame(a: Line, b: Line): boolean {
  return a.rev === b.rev && isDeepStrictEqual(a.body, b.body)
}
