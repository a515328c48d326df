/** Calls that the observer hears of. */
import { Kv2Error, type Kv2Operation } from './errors.ts'
import { type Kv2Outcome, notify } from './observer.ts'
import type { Settings } from './options.ts'

/** @param signal - of the caller; tells a call that was given up from one that failed */
export async function observed<T>(
  { clock, observer }: Pick<Settings, 'clock' | 'observer'>,
  op: Kv2Operation,
  task: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const startedAtMs = clock.nowMs()
  const tell = (outcome: Kv2Outcome): void =>
    notify(() => observer.onCall?.({ op, outcome, durationMs: clock.nowMs() - startedAtMs }))
  try {
    const result = await task()
    tell('ok')
    return result
  } catch (error) {
    tell(Kv2Error.is(error) ? error.code : signal?.aborted ? 'aborted' : 'failed')
    throw error
  }
}
