import { chmodSync } from 'node:fs'
import { type SecretDefinition, SecretFileError, type SecretFileErrorCode } from '@secreg/libvirt'
import type { ReadSecretsDirectoryOptions, SecretFileOutcome } from '@secreg/libvirt/node'
import { beforeEach, expect, test, vi } from 'vitest'
import { makeWorld } from './harness.ts'
import { KEY, uuidNumber } from './libvirt-directory.ts'

const { outcomes, keys } = vi.hoisted(() => ({
  outcomes: [] as SecretFileOutcome[],
  keys: [] as (Uint8Array | undefined)[],
}))
vi.mock('@secreg/libvirt/node', () => ({
  readSecretsDirectory: async function* (_: string, { key }: ReadSecretsDirectoryOptions) {
    keys.push(key)
    yield* outcomes
  },
}))

const values: Uint8Array[] = []
beforeEach(() => {
  for (const list of [outcomes, keys, values]) list.length = 0
})

function read(number: number, more: Partial<SecretDefinition> = {}): void {
  const uuid = uuidNumber(number)
  const usage = { type: 'tls', id: uuid } as const
  const definition = { uuid, usage, ephemeral: false, private: false, ...more }
  const value = Uint8Array.from([1, 2, 3, number])
  values.push(value)
  outcomes.push({ outcome: 'ok', name: `${uuid}.xml`, definition, value })
}

function failed(code: SecretFileErrorCode): void {
  outcomes.push({ outcome: 'skipped', name: 'x.xml', error: new SecretFileError(code, 'x') })
}

/** @returns the value that the registry has of the first one then, base64 */
async function bring(code: number, reason?: 'SEALED'): Promise<string | undefined> {
  const { home, registry, sreg } = await makeWorld()
  if (reason !== undefined) registry.failures.set('dialect', reason)
  const key = home.write('key', KEY)
  chmodSync(key, 0o600)
  const outcome = await sreg(['import', home.path, '--format', 'libvirt', '--key', key])
  expect(outcome).toMatchObject({ code })
  for (const value of values) expect([...value]).toEqual([0, 0, 0, 0])
  expect(keys).toEqual([new Uint8Array(32)])
  return registry.entries.get(`/libvirt/${uuidNumber(1)}`)?.value
}

test('values and the key are wiped once they are imported, those of skipped ones too', async () => {
  read(1)
  read(2, { ephemeral: true })
  expect(await bring(0)).toBe('AQIDAQ==')
})

test('and when a value stays closed', async () => {
  read(1)
  failed('ERR_LIBVIRT_FILE_DECRYPT')
  read(2)
  expect(await bring(8)).toBeUndefined()
})

test('and when the import is broken off', async () => {
  read(1)
  read(2)
  expect(await bring(6, 'SEALED')).toBeUndefined()
})
