import { REQUESTS, type RequestName } from '@secreg/protocol/messages'
import { expect, test } from 'vitest'
import { courseOf } from '../src/server/courses.ts'

test('every request has its course, and the payload decides where it must', () => {
  const courses = (Object.keys(REQUESTS) as RequestName[]).map((name) => courseOf(name, {}))
  expect(new Set(courses)).toEqual(new Set(['read', 'change', 'alone']))
  expect(courseOf(undefined, {})).toBe('read')
  expect(courseOf('meta', { op: 'get' })).toBe('read')
  expect(courseOf('meta', { op: 'find' })).toBe('read')
  expect(courseOf('meta', { op: 'set' })).toBe('change')
  // Whatever else it says is refused; until then it must not overtake anything.
  expect(courseOf('meta', { op: 'other' })).toBe('change')
  expect(courseOf('watch', {})).toBe('read')
  expect(courseOf('mount', { op: 'list' })).toBe('alone')
})
