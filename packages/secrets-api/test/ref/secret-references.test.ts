import {
  openSecretReferences,
  parseSecretUri,
  resourceArn,
  SECRET_REFERENCE_LENGTH,
} from '@secreg/secrets-api'
import { expect, test } from 'vitest'

const SALT = 'test-tenant-salt-0123456789abcdef'

test.each([
  ['yaml://secret/env#MY_API_KEY', 'RTcj6VKx-gi-w6lfzxd8Gtryuiyb7iiZqybuoq7YiJ8'],
  ['openbao+kv2://secret/app/api', 'HAq-Yr2_nxyJfv11gavDYr83XrqaMuePqxI3EaGVBVw'],
  ['openbao+kv2://secret/app/api#token', 'hXeKDnReAZviZhbtIUIhHIJyCozpqxkiGSoecc28GpA'],
  ['openbao+kv2://secret/app/api#token?version=3', 'zPP0kpW3HzRwxGRfSy-1QkXTpIClpZvprYYwQhwXLFE'],
  ['hashicorp+kv2://secret/payments/stripe#api_key', '1612b6duMQagABeP9bww35aDsGXUxr7sUiFDVNFo4bE'],
  ['openbao+kv2://secret/app/rot#token', '9x-muLe3H_iWhXw09TdDu79oCcwNRUn4FeQ49hRBb0g'],
  ['openbao+kv2://secret/app/rot', 'UA8qqn-qEOqWeJ0X4GWYY-7rQcA1XaaWQ4xPDkeslsE'],
  ['openbao+kv2://secret/app/test#value', 'm_20JJl-DkNA3mLN0Ro6diIz4HnNMe-Ett24OQ1B7ME'],
])('%s', async (text, reference) => {
  const references = await openSecretReferences(SALT)
  expect(await references.resourceRef(parseSecretUri(text))).toBe(reference)
  expect(reference).toHaveLength(SECRET_REFERENCE_LENGTH)
})

test('the reference to the path is of neither key nor version', async () => {
  const references = await openSecretReferences(new TextEncoder().encode(SALT))
  for (const tail of ['', '#value', '?version=1', '#value?version=1']) {
    const uri = parseSecretUri(`openbao+kv2://secret/app/test${tail}`)
    expect(await references.pathRef(uri)).toBe('sVsFQhGBUk9fWHM9bEau6P_xeMcd1WAY5pUQvGXBY14')
  }
})

test('they are the same whether they are kept or have been forgotten', async () => {
  const references = await openSecretReferences(SALT)
  const uri = parseSecretUri('yaml://secret/env#MY_API_KEY')
  const reference = 'RTcj6VKx-gi-w6lfzxd8Gtryuiyb7iiZqybuoq7YiJ8'
  const made = new Set<string>()
  for (let at = 0; at < 3000; at++) {
    made.add(await references.resourceRef({ canonical: `yaml://secret/env#${at}` }))
    if (at < 100 || at === 2999) expect(await references.resourceRef(uri)).toBe(reference)
  }
  expect(made.size).toBe(3000)
})

test('another salt, other references; the caller may wipe his', async () => {
  const salt = new TextEncoder().encode(SALT)
  const references = await openSecretReferences(salt)
  expect(new TextDecoder().decode(salt)).toBe(SALT)
  salt.fill(0)
  const uri = parseSecretUri('yaml://secret/env#MY_API_KEY')
  const reference = 'RTcj6VKx-gi-w6lfzxd8Gtryuiyb7iiZqybuoq7YiJ8'
  expect(await references.resourceRef(uri)).toBe(reference)
  expect(await (await openSecretReferences(salt)).resourceRef(uri)).not.toBe(reference)
})

test('arguments of another kind are refused', async () => {
  await expect(openSecretReferences('')).rejects.toThrow(RangeError)
  await expect(openSecretReferences(new Uint8Array())).rejects.toThrow(RangeError)
  await expect(openSecretReferences(undefined as never)).rejects.toThrow(TypeError)
})

test('resource names of other policies', () => {
  const reference = 'HAq-Yr2_nxyJfv11gavDYr83XrqaMuePqxI3EaGVBVw'
  expect(resourceArn('openbao-X', reference)).toBe(
    'auth:v1:resource:secret:openbao-X:HAq-Yr2_nxyJfv11',
  )
  expect(() => resourceArn('a:b', reference)).toThrow(RangeError)
  expect(() => resourceArn('a', 'yaml://secret/env')).toThrow(RangeError)
})
