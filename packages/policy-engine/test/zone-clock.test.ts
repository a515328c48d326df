import { describe, expect, test } from 'vitest'
import { ZoneClock } from '../src/zone-clock.ts'

const ZONES = [
  'Etc/UTC',
  'Europe/Prague',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Africa/Casablanca',
  'Africa/Monrovia',
]

/** The platform's own answer, asked anew each time. */
function asked(zone: string): (timeMs: number) => number {
  const options = { timeZone: zone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' } as const
  const format = new Intl.DateTimeFormat('en-GB', options)
  return (timeMs) => {
    const [hour, minute] = format.format(timeMs).split(':').map(Number)
    return (hour ?? 0) * 60 + (minute ?? 0)
  }
}

describe('ZoneClock', () => {
  test.each(ZONES)('agrees with the platform in %s', (zone) => {
    const clock = new ZoneClock(zone)
    const expected = asked(zone)
    // Steps that meet every quarter of an hour somewhere, twice, so that kept offsets are used too.
    for (const step of [86_400_000 * 3.37, -86_400_000 * 3.37]) {
      const from = step > 0 ? Date.UTC(2010) : Date.UTC(2029)
      for (let index = 0; index < 1500; index++) {
        const time = Math.floor(from + index * step)
        expect(clock.minuteOfDay(time)).toBe(expected(time))
      }
    }
  })

  test('agrees around every change of a year, minute by minute', () => {
    for (const [zone, change] of [
      ['Europe/Prague', Date.UTC(2026, 2, 29, 1)],
      ['Europe/Prague', Date.UTC(2026, 9, 25, 1)],
      ['Australia/Lord_Howe', Date.UTC(2026, 3, 4, 15)],
      ['America/New_York', Date.UTC(2026, 10, 1, 6)],
      ['Africa/Monrovia', Date.UTC(1972, 0, 7, 0, 44, 30)],
    ] as const) {
      const clock = new ZoneClock(zone)
      const expected = asked(zone)
      for (let second = -5400; second <= 5400; second += 15) {
        const time = change + second * 1000
        expect([zone, second, clock.minuteOfDay(time)]).toEqual([zone, second, expected(time)])
      }
    }
  })

  test('knows the first and last times of a Date, and none beyond', () => {
    const clock = new ZoneClock('Etc/UTC')
    expect(clock.minuteOfDay(-62_198_755_200_000)).toBe(0)
    expect(clock.minuteOfDay(8.64e15 - 86_400_000)).toBe(0)
    expect(clock.minuteOfDay(8.64e15 + 1)).toBeUndefined()
    expect(clock.minuteOfDay(Number.NaN)).toBeUndefined()
  })

  test.each(['', 'Europe/Nowhere', '+01:00', 'UTC+1', '../etc', 'Europe//Prague', 'a'.repeat(1e5)])(
    'refuses the zone %.20s',
    (zone) => {
      expect(() => new ZoneClock(zone)).toThrow(RangeError)
    },
  )
})
