import { foreignSecretOf, isForeignSecret, SECRET_SCHEMES } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const LONG = 'a'.repeat(128)

describe('a secret that is kept elsewhere', () => {
  test.each([
    ['openbao+kv2://secret/app/api', true],
    ['hashicorp+kv2://secret/app', true],
    ['yaml://secret/env', true],
    ['yaml://Secret/A.b_c-d', true],
    [`yaml://${LONG}/${LONG}`, true],
    [`yaml://m${'/a'.repeat(31)}`, true],
    [`yaml://m${'/a'.repeat(32)}`, false],
    [`yaml://${LONG}a/a`, false],
    [`yaml://${Array.from({ length: 17 }, () => LONG).join('/')}`, false],
    ['yaml://secret', false],
    ['yaml://secret/', false],
    ['yaml:///env', false],
    ['yaml://', false],
    ['yaml://secret//env', false],
    ['yaml://secret/../env', false],
    ['yaml://secret/..', false],
    ['yaml://secret/./env', false],
    ['yaml://secret/.', false],
    ['yaml://secret/a..b', false],
    ['yaml://secret/.env', true],
    ['yaml://secret/env.', true],
    ['yaml://./env', false],
    ['yaml://secret/env#key', false],
    ['openbao+kv2://secret/app?version=1', false],
    ['yaml://secret/*', false],
    ['yaml://secret/a%2Fb', false],
    ['yaml://secret/é', false],
    ['yaml://secret/env\n', false],
    [' yaml://secret/env', false],
    ['YAML://secret/env', false],
    ['yaml:/secret/env', false],
    ['openbao://secret/app', false],
    ['openbao+kv1://secret/app', false],
    ['secreg://secret/app', false],
    ['/secret/app', false],
    ['', false],
  ])('%j is one: %j', (text, is) => {
    expect(isForeignSecret(text)).toBe(is)
    expect(foreignSecretOf(text)).toBe(is ? text : foreignSecretOf(text))
    if (is) expect(foreignSecretOf(`${text}#key`)).toBe(text)
  })

  test.each([
    ['openbao+kv2://secret/app#key', 'openbao+kv2://secret/app'],
    ['openbao+kv2://secret/app?version=3', 'openbao+kv2://secret/app'],
    ['hashicorp+kv2://secret/app#a.b?version=2147483647', 'hashicorp+kv2://secret/app'],
    ['yaml://secret/env#key', 'yaml://secret/env'],
    ['yaml://secret/env?version=1', undefined],
    ['yaml://secret/env#key?version=1', undefined],
    ['openbao+kv2://secret/app?version=2147483648', undefined],
    ['openbao+kv2://secret/app?version=0', undefined],
    ['openbao+kv2://secret/app?version=01', undefined],
    ['openbao+kv2://secret/app?version=3#key', undefined],
    ['openbao+kv2://secret/app?other=3', undefined],
    ['openbao+kv2://secret/app#', undefined],
    ['openbao+kv2://secret/app?', undefined],
    ['openbao+kv2://secret/app#a#b', undefined],
    ['openbao+kv2://secret/app#a/b', undefined],
    ['openbao+kv2://secret#key', undefined],
    [`openbao+kv2://secret/app#${'k'.repeat(257)}`, undefined],
    ['secreg://kv/app#key', undefined],
    ['/app', undefined],
  ])('%j is of %j', (uri, secret) => {
    expect(foreignSecretOf(uri)).toBe(secret)
  })

  test('any text is one, or none, and never throws', () => {
    const near = fc
      .tuple(
        fc.constantFrom(...SECRET_SCHEMES, 'secreg', ''),
        fc.constantFrom('://', ':/', '/'),
        fc.string(),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const secret = foreignSecretOf(text)
        if (secret !== undefined) expect(isForeignSecret(secret)).toBe(true)
        if (isForeignSecret(text)) expect(secret).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })
})
