/** Rows under several plans of `@secreg/zones`, of which each sees what those before it write. */
import type { Op } from '@secreg/storage'
import type { Account, AccountPlan, RowView } from '@secreg/zones'

export class StagedRows implements RowView {
  readonly #view: RowView
  readonly #ops = new Map<string, Op>()

  constructor(view: RowView) {
    this.#view = view
  }

  get(key: string): Uint8Array | undefined {
    const op = this.#ops.get(key)
    if (op === undefined) return this.#view.get(key)
    return op.type === 'put' ? op.value : undefined
  }

  put(op: Op): void {
    this.#ops.set(op.key, op)
  }

  take({ ops, account }: AccountPlan): Account {
    for (const op of ops) this.put(op)
    return account
  }

  ops(): Op[] {
    return [...this.#ops.values()]
  }
}
