/** Holds up the event loop while its delay is measured. */

// Also where tests have replaced it.
const { setTimeout: elapse } = globalThis

/** One turn of the loop: every timer that was due has been told. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Hold it up, once what measures it has begun: a histogram of delays counts from its first turn on.
 *
 * @param forMs - how long, milliseconds
 */
export async function holdUpLoop(forMs: number): Promise<void> {
  await new Promise((resolve) => elapse(resolve, 20))
  await turn()
  const end = performance.now() + forMs
  while (performance.now() < end);
}
