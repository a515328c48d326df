/** Counts who still holds an old view of the database, and lets a compaction wait for them. */
export class Pins {
  readonly #pins = new Map<object, PromiseWithResolve>()

  add(holder: object): void {
    let resolve: () => void = () => {}
    const done = new Promise<void>((settle) => {
      resolve = settle
    })
    this.#pins.set(holder, { done, resolve })
  }

  release(holder: object): void {
    this.#pins.get(holder)?.resolve()
    this.#pins.delete(holder)
  }

  releaseAll(): void {
    for (const holder of [...this.#pins.keys()]) this.release(holder)
  }

  /** Resolves when all that are there now have been released. */
  async settle(signal?: AbortSignal): Promise<void> {
    const waits = [...this.#pins.values()].map(({ done }) => done)
    if (waits.length === 0) return
    await abortable(Promise.all(waits), signal)
  }
}

interface PromiseWithResolve {
  readonly done: Promise<void>
  readonly resolve: () => void
}

async function abortable(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) {
    await work
    return
  }
  signal.throwIfAborted()
  let abort: () => void = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
