/** Work on many items with turns of the event loop in between, so that no stretch is long (DESIGN §9). */

/** Longest stretch on the main thread, milliseconds. */
export const SLICE_MS = 4
/** Items that are written as JSON at once. */
const JSON_ITEMS = 500

/** Gives the event loop its turns in long work that waits now and then anyway. */
export class Pacer {
  #until = performance.now() + SLICE_MS

  get isDue(): boolean {
    return performance.now() >= this.#until
  }

  async turn(): Promise<void> {
    await new Promise((resume) => setImmediate(resume))
    this.#until = performance.now() + SLICE_MS
  }
}

export async function forEachInSlices<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
): Promise<void> {
  const pacer = new Pacer()
  for (const item of items) {
    visit(item)
    if (pacer.isDue) await pacer.turn()
  }
}

/** What `JSON.stringify` gives for an array, in pieces to be joined. */
export async function jsonInSlices(items: readonly unknown[]): Promise<string[]> {
  const pieces: string[] = ['[']
  const starts = Array.from(
    { length: Math.ceil(items.length / JSON_ITEMS) },
    (_, i) => i * JSON_ITEMS,
  )
  await forEachInSlices(starts, (start) => {
    const text = JSON.stringify(items.slice(start, start + JSON_ITEMS))
    pieces.push(start === 0 ? text.slice(1, -1) : `,${text.slice(1, -1)}`)
  })
  pieces.push(']')
  return pieces
}
