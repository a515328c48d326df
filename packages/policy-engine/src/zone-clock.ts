/**
 * Minutes of the day in a time zone, cheap enough for a decision: the offset is kept per quarter of an hour, and only
 * where it is equal at both ends of it. Zones change their offset at most once within that time.
 */

const QUARTER_MS = 900_000
const DAY_MS = 86_400_000
/** Latest instant of a Date (ECMA-262, "Time Values and Time Range"). */
const MAX_TIME_MS = 8.64e15
const SLOTS = 64

/** IANA names only: Intl of newer engines would also take offsets such as `+01:00`. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/

/** Local time of day in one zone. */
export class ZoneClock {
  readonly zone: string
  readonly #format: Intl.DateTimeFormat
  readonly #quarters = new Float64Array(SLOTS).fill(Number.NaN)
  readonly #offsets = new Float64Array(SLOTS)

  /** @throws RangeError for a zone that is not an IANA name known to the platform. */
  constructor(zone: string) {
    if (!ZONE_NAME.test(zone)) throw new RangeError('not the name of a time zone')
    this.zone = zone
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  }

  /** Minute of the local day, 0 to 1439, or `undefined` for a time that is none. `timeMs` is since the epoch. */
  minuteOfDay(timeMs: number): number | undefined {
    const second = this.secondOfDay(timeMs)
    return second === undefined ? undefined : Math.floor(second / 60)
  }

  /** Second of the local day, 0 to 86,399, or `undefined` for a time that is none. `timeMs` is since the epoch. */
  secondOfDay(timeMs: number): number | undefined {
    if (!(Math.abs(timeMs) <= MAX_TIME_MS - DAY_MS)) return undefined
    const local = timeMs + this.#offsetAt(timeMs)
    return Math.floor((((local % DAY_MS) + DAY_MS) % DAY_MS) / 1000)
  }

  #offsetAt(timeMs: number): number {
    const quarter = Math.floor(timeMs / QUARTER_MS)
    const slot = ((quarter % SLOTS) + SLOTS) % SLOTS
    if (this.#quarters[slot] === quarter) return this.#offsets[slot] ?? 0
    const start = this.#ask(quarter * QUARTER_MS)
    // Local mean times of the past have odd seconds, so a change can fall inside a quarter.
    if (start !== this.#ask((quarter + 1) * QUARTER_MS - 1000)) return this.#ask(timeMs)
    this.#quarters[slot] = quarter
    this.#offsets[slot] = start
    return start
  }

  #ask(timeMs: number): number {
    const fields: Record<string, string> = {}
    for (const { type, value } of this.#format.formatToParts(timeMs)) fields[type] = value
    const field = (name: string): number => Number(fields[name])
    const year = fields['era'] === 'BC' ? 1 - field('year') : field('year')
    const local = new Date(0)
    local.setUTCFullYear(year, field('month') - 1, field('day'))
    local.setUTCHours(field('hour'), field('minute'), field('second'))
    return local.getTime() - Math.floor(timeMs / 1000) * 1000
  }
}

/** Name of the zone of this system. */
export function systemZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
