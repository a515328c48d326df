import {
  type SecretInfo,
  type SecretValue,
  secretInfoSchema,
  secretValueSchema,
  serveSetec,
} from '@secreg/setec/server'
import { expect, test } from 'vitest'
import { memorySetec } from '../../src/server/memory-port.ts'
import { HEAD } from '../server/serve.ts'

const INFO: SecretInfo = { Name: 'a', Versions: [1, 4_294_967_295], ActiveVersion: 1 }
const VALUE: SecretValue = { Value: 'aGk=', Version: 1 }

test('answers of the server half have the documented form', async () => {
  const port = memorySetec().portFor(() => true)
  for (const text of ['', 'hi', 'hello']) await port.put('a', new TextEncoder().encode(text))
  const ask = async (path: string, body: object) => {
    const readBody = async () => new TextEncoder().encode(JSON.stringify(body))
    const answer = await serveSetec({ ...HEAD, path }, { identify: async () => port, readBody })
    return JSON.parse(answer.body) as unknown
  }
  expect(secretInfoSchema.parse(await ask('/api/info', { Name: 'a' }))).toEqual({
    Name: 'a',
    Versions: [1, 2, 3],
    ActiveVersion: 1,
  })
  for (const Version of [1, 2, 3]) {
    const value = secretValueSchema.parse(await ask('/api/get', { Name: 'a', Version }))
    expect(value.Version).toBe(Version)
  }
})

test('members that are not known are ignored', () => {
  expect(secretInfoSchema.parse({ ...INFO, CreatedBy: 'x' })).toEqual(INFO)
  expect(secretValueSchema.parse({ ...VALUE, CreatedBy: 'x' })).toEqual(VALUE)
})

test.each([
  null,
  [],
  { ...INFO, Name: 7 },
  { ...INFO, Versions: null },
  { ...INFO, Versions: [0] },
  { ...INFO, Versions: [1.5] },
  { ...INFO, ActiveVersion: 4_294_967_296 },
  { ...INFO, ActiveVersion: '1' },
])('no metadata: %j', (input) => {
  expect(secretInfoSchema.safeParse(input).success).toBe(false)
})

test.each([
  null,
  {},
  { ...VALUE, Value: 'aGk' },
  { ...VALUE, Value: null },
  { ...VALUE, Version: 0 },
])('no value: %j', (input) => {
  expect(secretValueSchema.safeParse(input).success).toBe(false)
})
