import {
  guardMount,
  isUnderPrefix,
  parseAllowedMounts,
  parseSecretPrefix,
  parseSecretUri,
  pinVersion,
} from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { reasonOf } from '../reason-of.ts'

describe('prefixes', () => {
  test.each([
    ['yaml://secret', 'yaml://secret'],
    ['yaml://secret/', 'yaml://secret'],
    ['YAML://secret/env/', 'yaml://secret/env'],
    [' openbao+kv2://secret/app ', 'openbao+kv2://secret/app'],
  ])('%j', (text, canonical) => {
    expect(parseSecretPrefix(text).canonical).toBe(canonical)
    expect(parseSecretPrefix(canonical).canonical).toBe(canonical)
  })

  test.each([
    ['yaml://', 'ILLEGAL_SEGMENT'],
    ['yaml:///', 'ILLEGAL_SEGMENT'],
    ['yaml://secret//', 'ILLEGAL_SEGMENT'],
    ['yaml://secret//env', 'ILLEGAL_SEGMENT'],
    ['yaml://secret/env#a', 'ILLEGAL_SEGMENT'],
    ['yaml://secret/env?version=1', 'ILLEGAL_SEGMENT'],
    ['yaml://secret/en*', 'INVALID_WILDCARD'],
    ['yaml://secret/a%2fb', 'ILLEGAL_SEGMENT'],
    ['yaml://u@secret', 'AMBIGUOUS_MOUNT'],
    ['vault://secret', 'UNSUPPORTED_ENGINE'],
  ])('refused: %j', (text, reason) => {
    expect(reasonOf(() => parseSecretPrefix(text))).toBe(reason)
  })

  test('match whole segments', () => {
    const under = (uri: string, prefix: string) =>
      isUnderPrefix(parseSecretUri(uri), parseSecretPrefix(prefix))
    expect(under('yaml://secret/env#A', 'yaml://secret/env/')).toBe(true)
    expect(under('yaml://secret/env/x', 'yaml://secret/env')).toBe(true)
    expect(under('yaml://secret/env/x', 'yaml://secret')).toBe(true)
    expect(under('yaml://secret/env', 'yaml://secret/en')).toBe(false)
    expect(under('yaml://secret/application', 'yaml://secret/app')).toBe(false)
    expect(under('yaml://secret/app', 'yaml://secret/app/x')).toBe(false)
    expect(under('yaml://secret/env', 'yaml://secretx')).toBe(false)
    expect(under('yaml://secret/env', 'openbao+kv2://secret')).toBe(false)
  })

  test('legacy mode takes runs of slashes as one', () => {
    const { canonical } = parseSecretPrefix('yaml://secret//env//', { legacy: true })
    expect(canonical).toBe('yaml://secret/env')
  })
})

describe('the guard', () => {
  const uri = parseSecretUri('openbao+kv2://secret/app#x')

  test.each([
    ['secret', undefined],
    [' kv , secret ', undefined],
    ['secrets', 'TENANT_MOUNT_MISMATCH'],
    ['SECRET', 'TENANT_MOUNT_MISMATCH'], // U23
    ['', 'TENANT_MOUNT_MISMATCH'], // U32
    [' , ', 'TENANT_MOUNT_MISMATCH'],
    [undefined, 'TENANT_MOUNT_MISMATCH'],
  ])('mounts %j', (text, reason) => {
    const mounts = parseAllowedMounts(text)
    expect(reasonOf(() => guardMount(uri, mounts))).toBe(reason)
    expect(reasonOf(() => guardMount(uri, [...mounts]))).toBe(reason)
    expect(reasonOf(() => guardMount(parseSecretPrefix('yaml://secret'), mounts))).toBe(reason)
  })

  test('says the documented words', () => {
    expect(() => guardMount(uri, [])).toThrow('mount not allowed for tenant')
  })

  test.each(['*', 'secret,*', 'a/b', 'a b', 'é', '..'])('no list of mounts: %j', (text) => {
    expect(() => parseAllowedMounts(text)).toThrow(RangeError)
  })
})

describe('a version beside the URI', () => {
  const uri = parseSecretUri('openbao+kv2://secret/app#x')
  const pinned = parseSecretUri('openbao+kv2://secret/app#x?version=1')

  test('is put into it', () => {
    expect(pinVersion(uri, undefined)).toBe(uri)
    expect(pinVersion(uri, '2').canonical).toBe('openbao+kv2://secret/app#x?version=2')
    expect(pinVersion(pinned, '1').canonical).toBe(pinned.canonical) // Q05
  })

  test('must not be another', () => {
    expect(reasonOf(() => pinVersion(pinned, '2'))).toBe('AMBIGUOUS_QUERY') // Q04
    for (const text of ['', '0', '01', '1.0', 'x', '2147483648']) {
      expect(reasonOf(() => pinVersion(uri, text))).toBe('INVALID_REQUEST')
    }
    const yaml = parseSecretUri('yaml://secret/env')
    expect(reasonOf(() => pinVersion(yaml, '1'))).toBe('VERSION_NOT_ALLOWED')
  })
})
