import type { ChangeEvent } from '@secreg/protocol'
import type { WatchMessage } from '@secreg/registry'
import { expect, test } from 'vitest'
import { watchEventText } from '../src/server/watch-event-text.ts'

const events: readonly ChangeEvent[] = [
  { op: 'set', key: '/a "quoted" é', version: 3, type: 'json', encrypted: true },
  { op: 'purge', key: '/b', version: 1, type: 'string', encrypted: false },
]
const error = {
  code: 6,
  name: 'InvalidState',
  message: 'a "message"',
  reason: 'REVISION_COMPACTED',
  errno: 923,
  min_revision: 7,
}

const messages: readonly WatchMessage[] = [
  { revision: 1, events: [] },
  { revision: 1, events },
  { revision: 1, events, more: true },
  { revision: 9, events: [], overflow: true },
  { revision: 9, events: [], error },
]

test.each(messages)('%j is the JSON of its members', (message) => {
  expect(watchEventText(5, message)).toBe(JSON.stringify({ watch_id: 5, ...message }))
  // Written once, the text of the events is used again for another watch.
  expect(watchEventText(6, message)).toBe(JSON.stringify({ watch_id: 6, ...message }))
})
