import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventFrames, LAST_ID, placeFrame } from '../../src/routes/secrets-event-frames.ts'

/** Reads a stream as the HTML standard has it ("Event stream interpretation"). */
function read(stream: string): {
  events: { id: string; event: string; data: string }[]
  last: string
} {
  const events: { id: string; event: string; data: string }[] = []
  let last = ''
  let event = ''
  let data = ''
  for (const line of stream.split(/\r\n|\r|\n/)) {
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (line === '') {
      if (data !== '') events.push({ id: last, event, data: data.slice(0, -1) })
      event = ''
      data = ''
    } else if (field === 'id' && !value.includes('\0')) last = value
    else if (field === 'event') event = value
    else if (field === 'data') data += `${value}\n`
  }
  return { events, last }
}

describe('frames', () => {
  it('are read as what they were made of', () => {
    const text = fc.json().map((json) => JSON.stringify(JSON.parse(json)))
    const one = fc.record({ id: fc.nat(), event: fc.constantFrom('SECRET_READ', 'A'), data: text })
    fc.assert(
      fc.property(fc.nat(), fc.array(one, { maxLength: 5 }), (place, events) => {
        const found = read(placeFrame(place) + eventFrames(events))
        expect(found.events).toEqual(events.map((event) => ({ ...event, id: String(event.id) })))
        expect(found.last).toBe(String(events.at(-1)?.id ?? place))
      }),
    )
  })

  it.each(['a\nid: 9', 'a\r', 'a\r\n\r\nevent: x', 'a\0'])(
    'hold no text of more than one line: %j',
    (text) => {
      expect(() => eventFrames([{ id: 1, event: 'A', data: text }])).toThrow(TypeError)
      expect(() => eventFrames([{ id: 1, event: text, data: 'a' }])).toThrow(TypeError)
    },
  )

  it('begin behind what was before the first', () => {
    expect(placeFrame(-1)).toBe(': open\nid: 0\n\n')
  })
})

it.each(['', '-1', '01', '1.0', '1e3', ' 1', '9007199254740993', 'abc', '0x1', '१'])(
  'is no id: %j',
  (text) => expect(LAST_ID.test(text)).toBe(false),
)

it.each(['0', '1', '999999999999999'])('is an id: %j', (text) =>
  expect(LAST_ID.test(text)).toBe(true),
)
