/** Longest stretch on the main thread. */
const SLICE_MS = 4

/** Work in slices: `due` says when to wait for `pause`, which lets everybody else run. */
export class Slices {
  #start: number = performance.now()

  get due(): boolean {
    return performance.now() - this.#start >= SLICE_MS
  }

  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#start = performance.now()
  }
}
