/** Who asked last whether an entry has changed, and was told that it has not: such reads leave no record (DESIGN §2). */
import type { Caller } from '@secreg/protocol'
import { REGISTRY_LIMITS } from './limits.ts'

export interface Poll {
  readonly by: string
  readonly at: number
}

export class Polls {
  readonly #polls = new Map<string, Poll>()

  note(caller: Caller, path: string, nowMs: number): void {
    const by = caller.login ?? caller.principals[0] ?? 'unknown'
    const key = `${path}\n${by}`
    this.#polls.delete(key)
    this.#polls.set(key, { by, at: nowMs })
    if (this.#polls.size > REGISTRY_LIMITS.polls) {
      for (const oldest of this.#polls.keys()) {
        this.#polls.delete(oldest)
        return
      }
    }
  }

  /** Latest first. */
  of(path: string): Poll[] {
    const found: Poll[] = []
    for (const [key, poll] of this.#polls) if (key.startsWith(`${path}\n`)) found.push(poll)
    return found.reverse()
  }
}
