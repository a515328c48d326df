import { createDecipheriv } from 'node:crypto'
import { chmodSync, rmSync, symlinkSync } from 'node:fs'
import { type Reason, SecregError } from '@secreg/protocol'
import { createCanary } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { readDirectory } from '../src/import/libvirt/read-directory.ts'
import { makeWorld, type World } from './harness.ts'
import { encrypted, KEY, LibvirtDirectory, uuidNumber } from './libvirt-directory.ts'

const [A, B, C] = [uuidNumber(1), uuidNumber(2), uuidNumber(3)] as const

interface Place extends World {
  readonly directory: LibvirtDirectory
  /** Import the directory. */
  bring(...more: readonly string[]): ReturnType<World['sreg']>
  /** What the registry has of a secret. */
  held(uuid: string): object | undefined
  /** Number of requests that write. */
  writes(): number
}

async function makePlace(): Promise<Place> {
  const world = await makeWorld()
  const directory = new LibvirtDirectory(world.home)
  const { registry } = world
  return {
    ...world,
    directory,
    bring: (...more) => world.sreg(['import', directory.path, '--format', 'libvirt', ...more]),
    held: (uuid) => {
      const entry = registry.entries.get(`/libvirt/${uuid}`)
      if (entry === undefined) return undefined
      const { custom, description, settings, version, value, encrypted: isEncrypted } = entry
      return {
        custom,
        ...(description === undefined ? {} : { description }),
        private: settings['private'],
        ephemeral: settings['ephemeral'],
        version,
        ...(version === 0 ? {} : { value: Buffer.from(value, 'base64').toString(), isEncrypted }),
      }
    },
    writes: () => registry.asked.filter(({ name }) => name === 'dialect').length,
  }
}

const tls = (number: number) => ({ usage_type: 'tls', usage_id: `tls-${number}` })

describe('from a directory', () => {
  test('definitions and values come in, and a second import changes nothing', async () => {
    const { directory, bring, held, writes } = await makePlace()
    directory.secret(1, { description: 'of <the> web', private: true }, 'one')
    directory.secret(2, { usage: { type: 'none', id: '' } })
    directory.secret(3, { usage: { type: 'volume', id: '/dev/ü "x"' } }, 'three')
    expect(await bring()).toEqual({
      code: 0,
      stdout: [
        'Change  Secret                                Parts              Use',
        `create  ${A}  definition, value  tls "tls-1"`,
        `create  ${B}  definition         -`,
        `create  ${C}  definition, value  volume "/dev/ü \\"x\\""\n`,
      ].join('\n'),
      stderr: 'sreg: 3 secrets imported, 0 unchanged\n',
    })
    const plain = { private: false, ephemeral: false }
    expect(held(A)).toEqual({
      ...{ custom: tls(1), description: 'of <the> web', private: true, ephemeral: false },
      ...{ version: 1, value: 'one', isEncrypted: true },
    })
    expect(held(B)).toEqual({ custom: {}, ...plain, version: 0 })
    expect(held(C)).toEqual({
      custom: { usage_type: 'volume', usage_id: '/dev/ü "x"' },
      ...{ ...plain, version: 1, value: 'three', isEncrypted: true },
    })
    const before = writes()
    expect(await bring()).toEqual({
      code: 0,
      stdout: '',
      stderr: 'sreg: 0 secrets imported, 3 unchanged\n',
    })
    expect(writes()).toBe(before)
  })

  test('--dry-run writes nothing, tells the same table, and no value', async () => {
    const { directory, bring, held, writes } = await makePlace()
    const canary = createCanary()
    directory.secret(1, {}, canary)
    directory.secret(2, {}, canary)
    const dry = await bring('--dry-run')
    expect(dry).toMatchObject({
      code: 0,
      stderr: 'sreg: 2 secrets would be imported, 0 would stay; nothing was changed\n',
    })
    const changes = [1, 2].map((number) => ({
      secret: uuidNumber(number),
      key: `/libvirt/${uuidNumber(number)}`,
      ...tls(number),
      change: 'create',
      parts: ['definition', 'value'],
    }))
    const json = await bring('--dry-run', '--json')
    expect(JSON.parse(json.stdout)).toEqual({ changes, unchanged: 0, skipped: {}, problems: [] })
    expect(writes()).toBe(0)
    const told = await bring('--json')
    expect(JSON.parse(told.stdout)).toEqual({
      ...{ secrets: 2, imported: 2, updated: 0, unchanged: 0 },
      ...{ changes, skipped: {}, problems: [] },
    })
    expect(held(A)).toMatchObject({ value: canary })
    const again = await makePlace()
    for (const number of [1, 2]) again.directory.secret(number, {}, canary)
    expect(await again.bring()).toMatchObject({ stdout: dry.stdout })
    const shown = [dry, json, told].map(({ stdout, stderr }) => stdout + stderr).join('')
    for (const form of [canary, Buffer.from(canary).toString('base64')]) {
      expect(shown).not.toContain(form)
    }
  })

  test('files that are no secrets are told, and the others are imported', async () => {
    const { directory, bring, held } = await makePlace()
    directory.secret(1, {}, 'one')
    directory.secret(2, { ephemeral: true })
    directory.file(`${C}.base64`, 'b25l')
    directory.file('notes.xml', '<secret/>')
    directory.file(`${uuidNumber(4)}.xml`, '<secret ephemeral="maybe"/>')
    directory.file(`${uuidNumber(6)}.xml`, `<secret><uuid>${C}</uuid></secret>`)
    directory.secret(7)
    directory.file(`${uuidNumber(7)}.base64`, 'not base64!')
    directory.secret(8, {}, 'eight')
    directory.file(`${uuidNumber(8)}.aes256cbc`, encrypted('eight'))
    symlinkSync('/dev/zero', `${directory.path}/${uuidNumber(9)}.xml`)
    const outcome = await bring()
    expect(outcome).toMatchObject({ code: 1 })
    expect(outcome.stderr.split('\n')).toEqual([
      `sreg: "${B}.xml": the secret is ephemeral; it was skipped`,
      `sreg: "${C}.base64": a value without definition, of which libvirt takes no notice; it was skipped`,
      `sreg: "${uuidNumber(4)}.xml": not the definition of a secret`,
      `sreg: "${uuidNumber(6)}.xml": not named for the UUID of its secret`,
      `sreg: "${uuidNumber(7)}.base64": not a value in base64 of 1 to 65536 bytes`,
      `sreg: "${uuidNumber(8)}.base64": one of two values for the same secret`,
      `sreg: "${uuidNumber(9)}.xml": a link, or not a regular file`,
      'sreg: "notes.xml": not named for the UUID of its secret',
      'sreg: 1 secret imported, 0 unchanged; skipped: 1 ephemeral, 1 orphan; problems: 6',
      '',
    ])
    expect(held(A)).toMatchObject({ value: 'one' })
    const { stdout } = await bring('--json')
    expect(JSON.parse(stdout)).toMatchObject({
      unchanged: 1,
      skipped: { ephemeral: 1, orphan: 1 },
      problems: expect.arrayContaining([
        {
          file: 'notes.xml',
          reason: 'VALUE_INVALID',
          message: 'not named for the UUID of its secret',
        },
      ]),
    })
  })

  test('what is skipped alone ends well', async () => {
    const { directory, bring } = await makePlace()
    directory.secret(2, { ephemeral: true })
    expect(await bring()).toMatchObject({ code: 0, stdout: '' })
  })

  test('one that cannot be read, is none, or holds nothing', async () => {
    const { home, bring, sreg, registry } = await makePlace()
    const read = (path: string) => sreg(['import', path, '--format', 'libvirt'])
    expect(await bring()).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not exist'),
    })
    home.write('secrets/secret.conf', '')
    expect(await bring()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('nothing to import'),
    })
    expect(await read(home.file('secrets/secret.conf'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not a directory'),
    })
    expect(await read('-')).toMatchObject({ code: 1, stderr: expect.stringContaining('directory') })
    expect(registry.asked.filter(({ name }) => name !== 'whoami')).toEqual([])
  })

  test('without a login no secret is read', async () => {
    const world = await makeWorld({ login: false })
    const outcome = await world.sreg(['import', '/no/such', '--format', 'libvirt'])
    expect(outcome).toMatchObject({ code: 4, stdout: '' })
  })

  test('no more than a bound is held in memory', async () => {
    const { directory } = await makePlace()
    directory.secret(1, {}, 'x'.repeat(10))
    directory.secret(2, {}, 'x'.repeat(11))
    const read = (maxValuesBytes: number) =>
      readDirectory(directory.path, { key: undefined, progress: () => {}, maxValuesBytes })
    expect((await read(21)).secrets).toHaveLength(2)
    await expect(read(20)).rejects.toMatchObject({ reason: 'VALUE_TOO_LARGE' })
  })

  test.each(['--decrypt', '--encrypt', '--prefix=/x', '--password-stdin'])(
    'it takes no %s',
    async (option) => {
      const { directory, bring, registry } = await makePlace()
      directory.secret(1)
      const refused = await bring(option)
      expect(refused).toMatchObject({ code: 1, stdout: '' })
      expect(refused.stderr).toContain(`leave ${option.split('=')[0]} out`)
      expect(registry.asked).toEqual([])
    },
  )
})

describe('encrypted values', () => {
  async function encryptedPlace(key: Uint8Array = KEY) {
    const place = await makePlace()
    place.directory.secret(1)
    place.directory.file(`${A}.aes256cbc`, encrypted('one', key))
    place.directory.secret(2, {}, 'two')
    place.home.write('key', KEY)
    const keyFile = place.home.file('key')
    chmodSync(keyFile, 0o600)
    return { ...place, keyFile }
  }

  test('come in with the key, beside those that are in the clear', async () => {
    const { bring, held, keyFile } = await encryptedPlace()
    expect(await bring('--key', keyFile)).toMatchObject({
      code: 0,
      stderr: 'sreg: 2 secrets imported, 0 unchanged\n',
    })
    expect(held(A)).toMatchObject({ value: 'one' })
    expect(held(B)).toMatchObject({ value: 'two' })
  })

  test('without a key nothing is written', async () => {
    const { bring, writes } = await encryptedPlace()
    const outcome = await bring()
    expect(outcome).toEqual({
      code: 1,
      stdout: '',
      stderr: `sreg: encrypted: "${A}.aes256cbc"; nothing was imported\n  give --key FILE, the raw key of 32 bytes\n`,
    })
    expect(writes()).toBe(0)
  })

  test('one that the key does not open: nothing is written, not even what it opens', async () => {
    const { directory, bring, writes, keyFile } = await encryptedPlace()
    // The key opens this one by chance, as one of 256 that another key has encrypted.
    const other = KEY.map((byte) => byte ^ 0xff)
    let noise = encrypted('what it was', other)
    while (!opens(noise)) noise = encrypted('what it was', other)
    directory.file(`${A}.aes256cbc`, noise)
    let closed = encrypted('three', other)
    while (opens(closed)) closed = encrypted('three', other)
    for (let number = 3; number < 8; number++) {
      directory.secret(number)
      directory.file(`${uuidNumber(number)}.aes256cbc`, closed)
    }
    for (const more of [[], ['--dry-run'], ['--force']]) {
      const outcome = await bring('--key', keyFile, ...more)
      expect(outcome).toMatchObject({ code: 8, stdout: '' })
      expect(outcome.stderr).toBe(
        [
          `sreg: not encrypted with this key, or damaged: "${C}.aes256cbc", "${uuidNumber(4)}.aes256cbc", "${uuidNumber(5)}.aes256cbc" and 2 more; nothing was imported`,
          '  no value is to be trusted then; check the key, and import a copy without what is damaged\n',
        ].join('\n'),
      )
    }
    expect(writes()).toBe(0)
  })

  function opens(text: string): boolean {
    const bytes = Buffer.from(text, 'base64')
    const decipher = createDecipheriv('aes-256-cbc', KEY, bytes.subarray(0, 16))
    try {
      const value = Buffer.concat([decipher.update(bytes.subarray(16)), decipher.final()])
      return value.length > 0
    } catch {
      return false
    }
  }

  test.each([
    ['of others', 0o640, KEY, 3, 'is not a private regular file'],
    ['too short', 0o600, KEY.subarray(1), 1, 'is not a key of 32 bytes'],
    ['too long', 0o600, Uint8Array.from([...KEY, 10]), 1, 'is not a key of 32 bytes'],
    ['far too long', 0o600, new Uint8Array(5000), 1, 'is not a key of 32 bytes'],
  ])('a key file that is %s', async (_, mode, content, code, text) => {
    const { home, bring, writes, keyFile } = await encryptedPlace()
    home.write('key', content)
    chmodSync(keyFile, mode)
    const outcome = await bring('--key', keyFile)
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toContain(text)
    expect(writes()).toBe(0)
  })

  test('a key is for libvirt only', async () => {
    const { home, sreg, keyFile } = await encryptedPlace()
    const path = home.write('a.env', 'A=1\n')
    const outcome = await sreg(['import', path, '--format', 'dotenv', '--key', keyFile])
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('--key is for') })
  })
})

describe('one use of two secrets', () => {
  test('in the directory: neither is written, both are named', async () => {
    const { directory, bring, held } = await makePlace()
    const usage = { type: 'ceph', id: 'x' } as const
    directory.secret(1, { usage }, 'one')
    directory.secret(2, { usage }, 'two')
    directory.secret(3, { usage: { type: 'iscsi', id: 'x' } }, 'three')
    for (let number = 4; number < 7; number++)
      directory.secret(number, { usage: { ...usage, id: 'y' } })
    directory.secret(7, { usage: { type: 'none', id: '' } })
    directory.secret(8, { usage: { type: 'none', id: '' } })
    const outcome = await bring()
    expect(outcome).toMatchObject({ code: 5 })
    expect(outcome.stderr.split('\n')).toEqual([
      `sreg: ${A}: ${B} there has its use too`,
      `sreg: ${B}: ${A} there has its use too`,
      `sreg: ${uuidNumber(4)}: ${uuidNumber(5)} and 1 more there has its use too`,
      `sreg: ${uuidNumber(5)}: ${uuidNumber(4)} and 1 more there has its use too`,
      `sreg: ${uuidNumber(6)}: ${uuidNumber(4)} and 1 more there has its use too`,
      'sreg: 3 secrets imported, 0 unchanged; problems: 5',
      '',
    ])
    expect(held(A)).toBeUndefined()
    expect(held(B)).toBeUndefined()
    expect(held(C)).toMatchObject({ value: 'three' })
  })

  test('in the registry: its UUID is told, before anything of the secret is written', async () => {
    const { directory, bring, held, writes } = await makePlace()
    directory.secret(1, {}, 'one')
    expect(await bring()).toMatchObject({ code: 0 })
    rmSync(directory.path, { recursive: true })
    directory.secret(2, { usage: { type: 'tls', id: 'tls-1' } }, 'two')
    const before = writes()
    for (const more of [[], ['--dry-run'], ['--force']]) {
      const outcome = await bring(...more)
      expect(outcome).toMatchObject({ code: 5, stdout: '' })
      expect(outcome.stderr).toContain(`sreg: ${B}: ${A} here has its use\n`)
    }
    expect(writes()).toBe(before)
    expect(held(B)).toBeUndefined()
  })

  test('one that may not be seen is noticed by the registry', async () => {
    const { directory, bring, registry } = await makePlace()
    directory.secret(1, {}, 'one')
    registry.libvirt.refused.set(A, ['define', new SecregError('ALREADY_EXISTS', 'taken')])
    const outcome = await bring()
    expect(outcome).toMatchObject({ code: 5, stdout: '' })
    expect(outcome.stderr).toContain(`${A}: another secret here has its use`)
  })
})

describe('what is here already', () => {
  async function withOne(more: Parameters<LibvirtDirectory['secret']>[1] = {}, value?: string) {
    const place = await makePlace()
    place.directory.secret(1, more, value)
    expect(await place.bring()).toMatchObject({ code: 0 })
    rmSync(place.directory.path, { recursive: true })
    return place
  }

  test('what differs is told, and written over with --force', async () => {
    const { directory, bring, held, writes } = await withOne({ description: 'old' }, 'old')
    const usage = { type: 'vtpm', id: 'tls-1' } as const
    directory.secret(1, { description: 'new', private: true, usage }, 'new')
    const before = writes()
    const refused = await bring()
    expect(refused).toEqual({
      code: 5,
      stdout: '',
      stderr: [
        `sreg: ${A}: another use, description, private, value here; --force overwrites`,
        'sreg: 0 secrets imported, 0 unchanged; problems: 1\n',
      ].join('\n'),
    })
    expect(await bring('--force', '--dry-run')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(
        `update  ${A}  use, description, private, value  vtpm "tls-1"\n`,
      ),
      stderr:
        'sreg: 0 secrets would be imported, 0 would stay; 1 would be updated; nothing was changed\n',
    })
    expect(writes()).toBe(before)
    expect(await bring('--force')).toMatchObject({
      code: 0,
      stderr: 'sreg: 0 secrets imported, 0 unchanged; 1 updated\n',
    })
    expect(held(A)).toEqual({
      custom: { usage_type: 'vtpm', usage_id: 'tls-1' },
      ...{ description: 'new', private: true, ephemeral: false },
      ...{ version: 2, value: 'new', isEncrypted: true },
    })
    expect(await bring('--force')).toMatchObject({
      stderr: 'sreg: 0 secrets imported, 1 unchanged\n',
    })
  })

  test('a description that is gone there goes with --force; a value alone is not rewritten', async () => {
    const { directory, bring, held } = await withOne({ description: 'old' }, 'same')
    directory.secret(1, {}, 'same')
    expect(await bring()).toMatchObject({ code: 5 })
    expect(await bring('--force')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`update  ${A}  description  tls "tls-1"\n`),
    })
    expect(held(A)).toMatchObject({ version: 1, value: 'same' })
    expect(held(A)).not.toHaveProperty('description')
  })

  test.each([
    ['another use', {}, { usage: { type: 'tls', id: 'x' } }, 'here it is for tls "tls-1", which'],
    ['no use', {}, { usage: { type: 'none', id: '' } }, 'here it is for tls "tls-1", which'],
    ['not private', { private: true }, {}, 'it is private here, and stays so'],
  ] as const)('%s: what libvirt does not change stays, also with --force', async (...row) => {
    const [, before, after, text] = row
    const { directory, bring, held } = await withOne(before, 'value')
    const kept = held(A)
    directory.secret(1, after, 'other')
    for (const more of [[], ['--force'], ['--dry-run']]) {
      const outcome = await bring(...more)
      expect(outcome).toMatchObject({ code: 5, stdout: '' })
      expect(outcome.stderr).toContain(`${A}: ${text}`)
    }
    expect(held(A)).toEqual(kept)
  })

  test('a value here and none there is a conflict; none here and one there comes in', async () => {
    const { directory, bring, held } = await withOne({}, 'value')
    directory.secret(1)
    const outcome = await bring('--force')
    expect(outcome).toMatchObject({ code: 5, stdout: '' })
    expect(outcome.stderr).toContain(`${A}: it has a value here, and none there`)

    const bare = await withOne()
    bare.directory.secret(1, {}, 'value')
    expect(await bare.bring()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`update  ${A}  value  tls "tls-1"\n`),
    })
    expect(bare.held(A)).toMatchObject({ version: 1, value: 'value' })
    expect(held(A)).toMatchObject({ version: 1, value: 'value' })
  })

  test('a value of text is compared as its bytes', async () => {
    const { directory, bring, registry } = await withOne({}, 'first')
    registry.put(`/libvirt/${A}`, 'als Text: ü', 'string', true)
    directory.secret(1, {}, 'als Text: ü')
    expect(await bring()).toMatchObject({
      code: 0,
      stderr: 'sreg: 0 secrets imported, 1 unchanged\n',
    })
  })

  test('a value that may not be read is written over with --force only', async () => {
    const { directory, bring, held, registry } = await withOne({ private: true }, 'value')
    directory.secret(1, { private: true }, 'value')
    registry.failures.set('get', 'ACCESS_DENIED')
    const refused = await bring()
    expect(refused).toMatchObject({ code: 3, stdout: '' })
    expect(refused.stderr).toContain('its value here may not be read, to compare it; --force')
    expect(await bring('--force')).toMatchObject({ code: 0 })
    expect(held(A)).toMatchObject({ version: 2, value: 'value' })
  })

  test('a deleted entry is not brought back', async () => {
    const { directory, bring, registry, writes } = await withOne({}, 'value')
    directory.secret(1, {}, 'value')
    registry.store.delete({ key: `/libvirt/${A}` })
    const before = writes()
    for (const more of [[], ['--force']]) {
      const outcome = await bring(...more)
      expect(outcome).toMatchObject({ code: 2, stdout: '' })
      expect(outcome.stderr).toContain(`${A}: it was deleted here`)
    }
    expect(writes()).toBe(before)
  })
})

test('what the registry cannot hold is known before it is written', async () => {
  const { directory, bring, writes } = await makePlace()
  directory.secret(1, { description: 'x'.repeat(1025) }, 'one')
  directory.secret(2, { usage: { type: 'tls', id: 'x'.repeat(513) } }, 'two')
  const outcome = await bring('--dry-run')
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(outcome.stderr).toContain(`${A}: description has at most 1024 characters`)
  expect(outcome.stderr).toContain(`${B}: usage_id has at most 512 characters`)
  expect(await bring()).toMatchObject({ code: 1 })
  expect(writes()).toBe(0)
})

test('a definition without its value is told, and the next import goes on from there', async () => {
  const { directory, bring, held, registry } = await makePlace()
  directory.secret(1, {}, 'one')
  directory.secret(2, {}, 'two')
  registry.libvirt.refused.set(A, ['set-value', new SecregError('ACCESS_DENIED', 'no')])
  const outcome = await bring()
  expect(outcome).toMatchObject({ code: 3 })
  expect(outcome.stdout).toContain(`create  ${A}  definition         tls "tls-1"\n`)
  expect(outcome.stderr).toContain(
    `${A}: its definition was written, its value was not: access is denied here`,
  )
  expect(held(A)).toMatchObject({ version: 0 })
  registry.libvirt.refused.clear()
  expect(await bring()).toMatchObject({
    code: 0,
    stderr: 'sreg: 0 secrets imported, 1 unchanged; 1 updated\n',
  })
  expect(held(A)).toMatchObject({ version: 1, value: 'one' })
})

test.each([
  ['meta', 'ACCESS_DENIED', 3, 'access is denied here'],
  ['dialect', 'ACCESS_DENIED', 3, 'access is denied here'],
  ['dialect', 'INVALID_ARGUMENT', 1, 'the registry does not take it'],
  ['dialect', 'IN_USE', 6, 'it has another use here'],
  [
    'dialect',
    'VERSION_REQUIRED',
    6,
    'it is changed only with its version here: "sreg set --if-version"',
  ],
] as const)('%s: %s is about the secret alone', async (name, reason, code, text) => {
  const { directory, bring, registry } = await makePlace()
  directory.secret(1)
  directory.secret(2)
  registry.failures.set(name, reason)
  expect(await bring()).toEqual({
    code,
    stdout: '',
    stderr: `sreg: ${A}: ${text}\nsreg: ${B}: ${text}\nsreg: 0 secrets imported, 0 unchanged; problems: 2\n`,
  })
})

test.each([
  ['SEALED', 6],
  ['DIALECT_REFUSED', 6],
  ['QUOTA_EXCEEDED', 6],
  ['AUDIT_FAILED', 7],
] as const satisfies readonly (readonly [Reason, number])[])('%s ends it', async (reason, code) => {
  const { directory, bring, registry } = await makePlace()
  const canary = createCanary()
  directory.secret(1, {}, canary)
  registry.failures.set('dialect', reason)
  const outcome = await bring()
  expect(outcome).toMatchObject({ code, stdout: '' })
  expect(outcome.stderr).toContain('0 of 1 secrets are done, 0 were written')
  expect(outcome.stderr).toContain('run it again, and it goes on from there')
  expect(outcome.stderr).not.toContain(canary)
})

test('broken off in the middle, it tells how far it came and goes on from there', async () => {
  const { directory, bring, registry } = await makePlace()
  for (let number = 10; number < 40; number++) directory.secret(number, {}, `v${number}`)
  const sealed = new SecregError('SEALED', 'the registry is sealed')
  registry.libvirt.refused.set(uuidNumber(30), ['define', sealed])
  const first = await bring()
  expect(first).toMatchObject({ code: 6, stdout: '' })
  const [, done, written] =
    /(\d+) of 30 secrets are done, (\d+) were written/.exec(first.stderr) ?? []
  expect(Number(done)).toBeGreaterThan(10)
  expect(Number(done)).toBeLessThan(30)
  expect(written).toBe(done)
  registry.libvirt.refused.clear()
  const second = await bring('--json')
  const { imported, updated, unchanged } = JSON.parse(second.stdout)
  expect(imported + updated + unchanged).toBe(30)
  expect(unchanged).toBeGreaterThanOrEqual(Number(done))
  for (let number = 10; number < 40; number++) {
    const entry = registry.entries.get(`/libvirt/${uuidNumber(number)}`)
    expect(entry).toMatchObject({ value: Buffer.from(`v${number}`).toString('base64') })
  }
})

test('problems that are many are counted, and all of them told by --json', async () => {
  const { directory, bring } = await makePlace()
  for (let number = 100; number < 160; number++) directory.file(`${uuidNumber(number)}.xml`, '')
  const outcome = await bring()
  expect(outcome.stderr.split('\n')).toHaveLength(53)
  expect(outcome.stderr).toContain('sreg: and 10 more problems; --json tells all problems\n')
  expect(JSON.parse((await bring('--json')).stdout).problems).toHaveLength(60)
})
