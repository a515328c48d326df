/** Records that would be longer than a line of the log. */
import { SecregError } from '@secreg/protocol'
import { expect, test } from 'vitest'
import { isTooLong } from '../src/audit-record.ts'
import { internalCaller } from '../src/internal-caller.ts'
import { refusalBody } from '../src/recorded.ts'

const MIB = 1024 * 1024

test('the record of a refusal leaves the paths out where they would not fit', () => {
  const error = new SecregError('LIMIT_EXCEEDED', 'too much')
  const caller = internalCaller('test')
  const facts = { action: 'import', detail: 'd', count: 7 } as const
  const body = refusalBody(caller, { ...facts, pathsText: `["/${'x'.repeat(33 * MIB)}"]` }, error)
  expect(JSON.parse(body)).toMatchObject({ ...facts, paths: [], reason: 'LIMIT_EXCEEDED', code: 1 })
  expect(isTooLong(body)).toBe(false)
  expect(isTooLong('\u00e4'.repeat(17 * MIB))).toBe(true)
  expect(isTooLong('a'.repeat(31 * MIB))).toBe(false)
})
