/** Frames of a stream of events (HTML standard, "Parsing an event stream"). */
import type { SecretsEvent } from '@secreg/protocol'

/** What an id of ours is: a safe integer, as it is written. */
export const LAST_ID: RegExp = /^(?:0|[1-9][0-9]{0,14})$/

/** A comment, so that nobody in between takes the connection for dead. */
export const PING = ': ping\n\n'

const BREAK = /[\r\n\0]/

/** An id alone: dispatches nothing, and is what a reader comes back with. */
export function placeFrame(id: number): string {
  return `: open\nid: ${Math.max(0, id)}\n\n`
}

/**
 * Events as frames, each with its text on one line.
 *
 * @throws TypeError where a text has more lines: it would be read as fields of its own
 */
export function eventFrames(events: readonly SecretsEvent[]): string {
  let frames = ''
  for (const { id, event, data } of events) {
    if (BREAK.test(event) || BREAK.test(data)) {
      throw new TypeError('event: expected texts of one line')
    }
    frames += `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`
  }
  return frames
}
