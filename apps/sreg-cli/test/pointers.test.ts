import { expect, test } from 'vitest'
import { pointersOf } from '../src/secrets-api/pointers.ts'

test('pointers are told from all other variables', () => {
  const env = {
    A_POINTER: 'yaml://s/a',
    B: '1',
    POINTER: '2',
    _POINTER: '3',
    A_pointer: '4',
    C: undefined,
  }
  const { pointers, rest } = pointersOf(env)
  expect(pointers).toEqual([{ name: 'A', variable: 'A_POINTER', uri: 'yaml://s/a' }])
  expect({ ...rest }).toEqual({ B: '1', POINTER: '2', _POINTER: '3', A_pointer: '4' })
})

test('a pointer may become one, unless that is set too', () => {
  const { pointers } = pointersOf({ A_POINTER_POINTER: 'yaml://s/a' })
  expect(pointers).toMatchObject([{ name: 'A_POINTER' }])
  const both = { A_POINTER_POINTER: 'yaml://s/a', A_POINTER: 'yaml://s/b' }
  expect(() => pointersOf(both)).toThrow('A_POINTER_POINTER: A_POINTER is set too')
})

test('names that every object has are names like any other', () => {
  const env = Object.fromEntries([
    ['__proto___POINTER', 'yaml://s/b'],
    ['__proto__', 'x'],
  ])
  expect(() => pointersOf(env)).toThrow('__proto___POINTER: __proto__ is set too')
  const { pointers, rest } = pointersOf({
    toString_POINTER: 'yaml://s/a',
    A_POINTER: 'yaml://s/b',
    A: undefined,
  })
  expect(pointers.map(({ name }) => name)).toEqual(['toString', 'A'])
  expect(Object.keys(rest)).toEqual([])
})
