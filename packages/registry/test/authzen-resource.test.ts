import { expect, test } from 'vitest'
import { pathOfResource } from '../src/policy/authzen-resource.ts'

test.each([
  ['/app/a', '/app/a'],
  ['/', '/'],
  ['secreg://kv/app', '/kv/app'],
  ['secreg://kv/app/api#token', '/kv/app/api'],
  ['secreg://kv/app?version=3', '/kv/app'],
  ['secreg://kv/app#token?version=2147483647', '/kv/app'],
  ['secreg://kv/app?version=2147483648', undefined],
  ['secreg://kv/app?version=0', undefined],
  ['secreg://kv/app?version=3#token', undefined],
  ['secreg://kv', undefined],
  ['secreg://kv/', undefined],
  ['secreg:///kv/app', undefined],
  ['SecReg://kv/app', undefined],
  [' secreg://kv/app', undefined],
  ['secreg://kv/app\n', undefined],
  ['secreg://kv/a%2Fb', undefined],
  ['secreg://kv/../b', undefined],
  ['secreg://kv/./b', undefined],
  ['secreg://kv/a..b', undefined],
  ['secreg://kv//b', undefined],
  ['secreg://kv/a#', undefined],
  [`secreg://kv/${'a'.repeat(129)}`, undefined],
  [`secreg://kv${'/a'.repeat(31)}`, `/kv${'/a'.repeat(31)}`],
  [`secreg://kv${'/a'.repeat(32)}`, undefined],
  ['yaml://secret/env', undefined],
  ['a', undefined],
  ['', undefined],
])('the resource %j is the path %j', (id, path) => {
  expect(pathOfResource({ type: 'secret', id })).toBe(path)
  expect(pathOfResource({ type: 'Secret', id })).toBeUndefined()
})
