/** Lists that the daemon gives in pages. */

/** One page. */
export interface Page<T> {
  readonly items: readonly T[]
  /** There may be more behind this one. */
  readonly next: string | undefined
}

/** Everything of a list. */
export async function readPages<T>(
  ask: (more: { after?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  const all: T[] = []
  let after: string | undefined
  for (;;) {
    const { items, next } = await ask(after === undefined ? {} : { after })
    for (const item of items) all.push(item)
    // A page without progress would be asked for ever.
    if (next === undefined || next === after || items.length === 0) return all
    after = next
  }
}
