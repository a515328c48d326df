/**
 * What entries said of themselves that are gone with an event: whoever could see one is told that it is gone. Kept with
 * the event itself, so only as long as that is told as it happens, or soon after; of what is read from history it is not
 * known any more.
 */
import type { ChangeEvent } from '@secreg/protocol'
import type { Described } from '../policy/about-entry.ts'

const gone = new WeakMap<object, Described>()

/** @returns the event */
export function withGone(event: ChangeEvent, { metadata }: Described): ChangeEvent {
  gone.set(event, { metadata })
  return event
}

/** The entry that is gone with an event, if it is known. */
export function goneWith(event: object): Described | undefined {
  return gone.get(event)
}
