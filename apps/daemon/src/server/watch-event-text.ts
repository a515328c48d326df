/** Payload text of the messages of a watch: what many watches are told is written once. */
import type { ChangeEvent } from '@secreg/protocol'
import type { WatchMessage } from '@secreg/registry'

const texts = new WeakMap<readonly ChangeEvent[], string>()

/** JSON text of a `WatchEventMessage`. */
export function watchEventText(watchId: number, message: WatchMessage): string {
  const { revision, events, more, overflow, error } = message
  let text = `{"watch_id":${watchId},"revision":${revision},"events":${eventsText(events)}`
  if (more === true) text += ',"more":true'
  if (overflow === true) text += ',"overflow":true'
  if (error !== undefined) text += `,"error":${JSON.stringify(error)}`
  return `${text}}`
}

function eventsText(events: readonly ChangeEvent[]): string {
  if (events.length === 0) return '[]'
  let text = texts.get(events)
  if (text === undefined) {
    text = JSON.stringify(events)
    texts.set(events, text)
  }
  return text
}
