/** Every name of libvirt's public module of secrets has its counterpart; `*_LAST` only count. */
import { readFileSync } from 'node:fs'
import * as libvirt from '@secreg/libvirt'
import { loadJson } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { Secret } from '../../src/client/secret.ts'
import { SecretRegistry } from '../../src/client/secret-registry.ts'

const names = loadJson<{
  functions: string[]
  others: string[]
  enums: Record<string, Record<string, number>>
}>(new URL('seed-names.json', import.meta.url))

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const rows = README.split('\n').filter((line) => /^\| `vir/i.test(line))

/** The cells behind a name in a table of the README. */
const rowOf = (name: string): string[] | undefined =>
  rows
    .find((row) => row.split('|')[1]?.includes(`\`${name}\``))
    ?.split('|')
    .slice(2)

/** A handle that knows its UUID and usage. */
const secret = new Secret({} as never, '11111111-1111-4111-8111-000000000001', {
  type: 'tls',
  number: 4,
  id: 'x',
})

/** Whether what a cell names, such as `registry.list(…)` or `secret.uuid`, is there. */
function isThere(cell: string): boolean {
  const [, owner, member] = /`(registry|secret)\.(\w+)/.exec(cell) ?? []
  if (owner === 'registry') return member !== undefined && member in SecretRegistry.prototype
  return owner === 'secret' && member !== undefined && member in secret
}

test.each(names.functions)('%s', (name) => {
  const [cell] = rowOf(name) ?? []
  expect(cell, 'a row of the README').toBeDefined()
  const needless = ['virSecretRef', 'virSecretFree'].includes(name)
  if (needless) expect(Symbol.dispose in Secret.prototype).toBe(true)
  else if (name === 'virConnectSecretEventDeregisterAny') expect(cell).toContain('.dispose()')
  else expect(isThere(cell ?? ''), cell).toBe(true)
})

test.each(names.others)('%s', (name) => {
  expect(rowOf(name)).toBeDefined()
})

test.each(Object.entries(names.enums))('%s', (name, members) => {
  const [cell = ''] = rowOf(name) ?? []
  const [, counterpart = ''] = /`(\w+)`/.exec(cell) ?? []
  const object = (libvirt as Record<string, unknown>)[counterpart] as Record<string, number>
  expect(object, counterpart).toBeTypeOf('object')
  expect(Object.isFrozen(object)).toBe(true)
  for (const [member, value] of Object.entries(members)) {
    const key = Object.keys(object).find(
      (key) => member.endsWith(`_${key}`) && object[key] === value,
    )
    expect(key, member).toBeDefined()
  }
})

test('the UUID is told as text and as bytes', () => {
  expect(secret.uuidBytes.length).toBe(16)
  secret.uuidBytes.fill(0)
  expect(secret.uuidBytes[0]).toBe(0x11)
  expect(secret.usage).toEqual({ type: 'tls', number: 4, id: 'x' })
  expect(Object.isFrozen(secret.usage)).toBe(true)
  secret[Symbol.dispose]()
})
