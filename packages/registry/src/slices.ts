/** Work on many items with turns of the event loop in between, so that no stretch is long (DESIGN §9). */

/** Longest stretch on the main thread, milliseconds. */
export const SLICE_MS = 4
/** Items that are written as JSON at once. */
const JSON_ITEMS = 500

export async function forEachInSlices<T>(
  items: Iterable<T>,
  visit: (item: T) => void,
): Promise<void> {
  let until = performance.now() + SLICE_MS
  for (const item of items) {
    visit(item)
    if (performance.now() < until) continue
    await new Promise((resume) => setImmediate(resume))
    until = performance.now() + SLICE_MS
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
