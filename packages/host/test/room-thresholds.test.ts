/** Thresholds of the room on the disk of the audit log. */
import { ConfigError, parseConfig } from '@secreg/host'
import { expect, test } from 'vitest'

const [WARNING, LOW, LEAST] = [268_435_456, 67_108_864, 8_388_608]

const faultsOf = (lines: string): readonly string[] => {
  try {
    parseConfig(`[audit]\n${lines}`, 'f')
    return []
  } catch (error) {
    if (!ConfigError.is(error)) throw error
    return error.faults.map(({ line, message }) => `${line}: ${message}`)
  }
}

test.each([
  '',
  'free_warning = 3\nfree_low = 2\nfree_least = 1',
  'free_warning = 0\nfree_low = 0\nfree_least = 0',
  'free_low = 0',
  'free_warning = 0\nfree_low = 1000000000',
  'free_low = 0\nfree_warning = 8388609',
  'free_least = 0\nfree_low = 1',
])('%j', (lines) => {
  expect(faultsOf(lines)).toEqual([])
})

test.each([
  [
    'free_low = 268435456',
    [`2: audit.free_low (${WARNING}) must be less than audit.free_warning (${WARNING})`],
  ],
  ['free_warning = 5', [`2: audit.free_low (${LOW}) must be less than audit.free_warning (5)`]],
  [
    'free_least = 67108864',
    [`2: audit.free_least (${LOW}) must be less than audit.free_low (${LOW})`],
  ],
  [
    'free_low = 0\nfree_warning = 8388608',
    [`3: audit.free_least (${LEAST}) must be less than audit.free_warning (${LEAST})`],
  ],
  [
    'free_warning = 1\nfree_low = 2\nfree_least = 3',
    [
      '3: audit.free_low (2) must be less than audit.free_warning (1)',
      '4: audit.free_least (3) must be less than audit.free_low (2)',
    ],
  ],
  ['free_low = -1', ['2: audit.free_low: expected an integer from 0 to 1099511627776, got -1']],
])('refuses %j', (lines, faults) => {
  expect(faultsOf(lines)).toEqual(faults)
})
