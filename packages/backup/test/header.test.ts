import {
  openBackup,
  openBackupWithKey,
  readBackupHeader,
  verifyBackup,
  writeBackup,
} from '@secreg/backup'
import {
  type Credential,
  createSeal,
  deriveSubkey,
  encodeBase64,
  encodeFields,
  nobleBackend,
  portableSeal,
  replaceEpochs,
} from '@secreg/crypto'
import { createScryptPool } from '@secreg/crypto/node'
import { afterAll, describe, expect, test } from 'vitest'
import {
  all,
  backend,
  backupKey,
  codeOf,
  collect,
  credential,
  forgeLine,
  keyFile,
  lineOf,
  membersOf,
  parts,
  row,
  write,
} from './support.ts'

const file = await write([row('a')])
const body = file.subarray(lineOf(file).length)
const withMembers = (members: Record<string, unknown>) => Buffer.concat([forgeLine(members), body])
const verdict = (bytes: Uint8Array, by: Credential = credential) =>
  codeOf(async () => verifyBackup(await openBackup([bytes], by, { backend })))

describe('a first line whose checksum fits', () => {
  const members = membersOf(file)
  const { commitment, ...withoutCommitment } = members
  const { id, ...withoutId } = members
  const sealMembers = members['seal'] as { protectors: Record<string, unknown>[] }

  test('opens as it was', async () => {
    expect(withMembers(members).equals(file)).toBe(true)
    expect(await verdict(file)).toBeUndefined()
  })

  test.each([
    ['a newer version', { ...members, version: 2 }, 'ERR_BACKUP_NEWER'],
    [
      'a newer version with other members',
      { format: 'secreg-backup', version: 3, x: 1 },
      'ERR_BACKUP_NEWER',
    ],
    ['a newer seal', { ...members, seal: { ...sealMembers, format: 2 } }, 'ERR_BACKUP_NEWER'],
    ['version 0', { ...members, version: 0 }, 'ERR_BACKUP_HEADER'],
    ['a version that is no integer', { ...members, version: 1.5 }, 'ERR_BACKUP_HEADER'],
    ['no version', { format: 'secreg-backup', id, checksum: '' }, 'ERR_BACKUP_HEADER'],
    ['a member missing', withoutCommitment, 'ERR_BACKUP_HEADER'],
    ['a member more', { ...members, extra: 1 }, 'ERR_BACKUP_HEADER'],
    ['members in another order', { ...withoutId, id }, 'ERR_BACKUP_HEADER'],
    ['an id that is too short', { ...members, id: 'ab' }, 'ERR_BACKUP_HEADER'],
    ['an id in capitals', { ...members, id: (id as string).toUpperCase() }, 'ERR_BACKUP_HEADER'],
    ['a generation that is none', { ...members, generation: 7 }, 'ERR_BACKUP_HEADER'],
    ['a negative revision', { ...members, revision: -1 }, 'ERR_BACKUP_HEADER'],
    ['a revision beyond six bytes', { ...members, revision: 2 ** 48 }, 'ERR_BACKUP_HEADER'],
    ['a time that is text', { ...members, created_at: '1' }, 'ERR_BACKUP_HEADER'],
    ['a salt that is too short', { ...members, salt: 'AAAA' }, 'ERR_BACKUP_HEADER'],
    ['a commitment that is none', { ...members, commitment: null }, 'ERR_BACKUP_HEADER'],
    ['no seal', { ...members, seal: null }, 'ERR_BACKUP_HEADER'],
    [
      'a seal without protectors',
      { ...members, seal: { ...sealMembers, protectors: [] } },
      'ERR_BACKUP_HEADER',
    ],
  ])('is refused with %s', async (_, changed, code) => {
    const bytes = withMembers(changed)
    expect(await verdict(bytes)).toBe(code)
    expect(await codeOf(() => readBackupHeader([bytes]))).toBe(code)
  })

  test('is refused in another spelling', async () => {
    for (const [from, to] of [
      [',"id":', ', "id":'],
      ['"revision":1000', '"revision":1e3'],
      ['"revision":1000', '"revision":1,"revision":1000'],
      ['"version":1', '"version":1.0'],
    ] as const) {
      const respelt = respell(lineOf(file), from, to)
      expect(respelt).not.toEqual(lineOf(file))
      // Without the key, so that it is not the commitment that finds it.
      expect(await codeOf(() => readBackupHeader([respelt]))).toBe('ERR_BACKUP_HEADER')
    }
  })

  test.each([
    ['another id', { ...members, id: 'f'.repeat(32) }],
    ['another revision', { ...members, revision: 999 }],
    ['another time', { ...members, created_at: 1 }],
    ['another generation', { ...members, generation: 'f'.repeat(32) }],
    ['another salt', { ...members, salt: Buffer.alloc(32).toString('base64') }],
    ['another commitment', { ...members, commitment: Buffer.alloc(32).toString('base64') }],
  ])('is refused by who has a credential with %s', async (_, changed) => {
    const bytes = withMembers(changed)
    expect(await codeOf(() => readBackupHeader([bytes]))).toBeUndefined()
    expect(await verdict(bytes)).toBe('ERR_BACKUP_HEADER')
    const byKey = () => openBackupWithKey([bytes], backupKey, { backend })
    expect(await codeOf(byKey)).toBe('ERR_CRYPTO_WRONG_KEY')
  })

  test('is refused when its seal has lost a protector', async () => {
    const other = await createSeal(
      [
        { kind: 'key-file', bytes: keyFile },
        { kind: 'key-file', bytes: keyFile },
      ],
      { backend },
    )
    const bytes = await collect(
      writeBackup({
        ...parts,
        seal: other.header,
        backupKey: deriveSubkey(other.rootKey, 'backup', backend),
        rows: [],
      }),
    )
    expect(await verdict(bytes)).toBeUndefined()
    const cut = membersOf(bytes)
    const seal = cut['seal'] as { protectors: unknown[] }
    cut['seal'] = { ...seal, protectors: seal.protectors.slice(1) }
    expect(
      await verdict(Buffer.concat([forgeLine(cut), bytes.subarray(lineOf(bytes).length)])),
    ).toBe('ERR_BACKUP_HEADER')
  })

  test('is refused with a key derivation below the floor, before it is computed', async () => {
    const protector = {
      ...(sealMembers.protectors[0] as object),
      kind: 'passphrase',
      kdf: { name: 'scrypt', N: 1024, r: 8, p: 1, salt: Buffer.alloc(32).toString('base64') },
    }
    const bytes = withMembers({ ...members, seal: { ...sealMembers, protectors: [protector] } })
    expect(await codeOf(() => readBackupHeader([bytes]))).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
  })
})

/** Respell a line and give it the checksum that fits. */
function respell(line: Buffer, from: string, to: string): Buffer {
  const text = line.toString()
  const at = text.lastIndexOf(',"checksum":')
  const checked = Buffer.from(text.slice(0, at).replace(from, to))
  const sum = encodeBase64(backend.sha256(encodeFields('secreg/v1/backup-header', checked)))
  return Buffer.from(`${checked},"checksum":"${sum}"}\n`)
}

describe('credentials', () => {
  const pool = createScryptPool()
  afterAll(() => pool.close())
  const options = { backend, scrypt: pool.scrypt }
  const made = createSeal(
    [
      { kind: 'passphrase', passphrase: 'correct horse', params: { N: 2 ** 15, r: 8, p: 1 } },
      { kind: 'shamir', threshold: 2, count: 3 },
      { kind: 'systemd-credential', name: 'secreg', bytes: keyFile },
    ],
    options,
  )
  const bytes = made.then(({ header, rootKey }) => {
    const seal = portableSeal(header, deriveSubkey(rootKey, 'seal-header', backend), { backend })
    return collect(
      writeBackup({
        ...parts,
        seal,
        backupKey: deriveSubkey(rootKey, 'backup', backend),
        rows: [row('a')],
      }),
    )
  })
  const opens = async (by: Credential) =>
    codeOf(async () => verifyBackup(await openBackup([await bytes], by, options)))

  test('passphrase and shares open it', async () => {
    const { shareSets } = await made
    const shares = shareSets[0]?.shares ?? []
    expect(await opens({ kind: 'passphrase', passphrase: 'correct horse' })).toBeUndefined()
    expect(await opens({ kind: 'shamir', shares: shares.slice(1) })).toBeUndefined()
    const opened = await openBackup([await bytes], { kind: 'shamir', shares }, options)
    expect(opened.protectorId).toBe(shareSets[0]?.protectorId)
    expect(opened.rootKey).toEqual((await made).rootKey)
    await opened.close()
  })

  test('each hindrance has its reason', async () => {
    const foreign = await createSeal([{ kind: 'shamir', threshold: 2, count: 3 }], options)
    const shares = (await made).shareSets[0]?.shares ?? []
    const others = foreign.shareSets[0]?.shares ?? []
    const shamir = (...given: (string | undefined)[]): Credential => ({
      kind: 'shamir',
      shares: given as string[],
    })
    const table: readonly (readonly [Credential, string])[] = [
      [{ kind: 'passphrase', passphrase: 'correct  horse' }, 'ERR_CRYPTO_WRONG_KEY'],
      [{ kind: 'key-file', bytes: keyFile }, 'ERR_CRYPTO_NO_PROTECTOR'],
      [{ kind: 'systemd-credential', bytes: keyFile }, 'ERR_CRYPTO_NO_PROTECTOR'],
      [shamir(shares[0]), 'ERR_CRYPTO_SHARES_MISSING'],
      [shamir(shares[0], shares[0]), 'ERR_CRYPTO_SHARES_MISSING'],
      [shamir(shares[0], others[1]), 'ERR_CRYPTO_WRONG_KEY'],
      [
        shamir(
          shares[0],
          shares[1]?.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A')),
        ),
        'ERR_CRYPTO_SHARE',
      ],
    ]
    for (const [by, code] of table) expect(await opens(by)).toBe(code)
  })

  test('the key of another store does not open it', async () => {
    const byKey = () => openBackupWithKey([file], new Uint8Array(32), { backend })
    expect(await codeOf(byKey)).toBe('ERR_CRYPTO_WRONG_KEY')
  })
})

describe('writing', () => {
  test('a seal with what works on this host only is refused', async () => {
    const { header, rootKey } = await createSeal(
      [
        { kind: 'key-file', bytes: keyFile },
        { kind: 'systemd-credential', name: 'x', bytes: keyFile },
      ],
      { backend },
    )
    const write = () => writeBackup({ ...parts, seal: header, backupKey: rootKey, rows: [] })
    expect(await codeOf(write)).toBe('ERR_CRYPTO_NO_PORTABLE')
  })

  test('a seal with more epochs than a first line has room for is refused', async () => {
    const { header, rootKey } = await createSeal([{ kind: 'key-file', bytes: keyFile }], {
      backend,
    })
    const [first] = header.epochs
    const epochs = Array.from({ length: 10_000 }, (_, i) => ({ ...first, epoch: i + 1 }))
    const headerKey = deriveSubkey(rootKey, 'seal-header', backend)
    const seal = replaceEpochs(header, headerKey, epochs as never, { backend })
    expect(() => writeBackup({ ...parts, seal, rows: [] })).toThrow(RangeError)
  })

  test('two backups share neither id nor salt nor key', async () => {
    const [a, b] = [membersOf(await write([])), membersOf(await write([]))]
    for (const name of ['id', 'salt', 'commitment']) expect(a[name]).not.toBe(b[name])
  })

  test('wrong arguments', () => {
    const bad = (value: unknown) => value as never
    for (const value of [undefined, null, 1, 'text', [1]]) {
      expect(() => writeBackup({ ...parts, backupKey: bad(value), rows: [] })).toThrow(TypeError)
    }
    for (const value of [undefined, null, 1, 'text', [], new Date(0), () => 1]) {
      expect(() => writeBackup({ ...parts, meta: bad(value), rows: [] })).toThrow(TypeError)
    }
    for (const wrong of [
      { backupKey: new Uint8Array(31) },
      { generation: bad(undefined) },
      { generation: 'xy' },
      { revision: -1 },
      { revision: 2 ** 48 },
      { revision: 1.5 },
      { revision: bad('1') },
      { createdAtMs: -1 },
      { createdAtMs: Number.NaN },
      { meta: { text: 'x'.repeat(2 ** 20) } },
    ]) {
      expect(() => writeBackup({ ...parts, ...wrong, rows: [] })).toThrow(RangeError)
    }
  })

  test.each([
    ['a key that is empty', row('')],
    ['a key that is too long', row('k'.repeat(1025))],
    ['a key that is too long in bytes', row('€'.repeat(342))],
    ['a key with half a character', row('a\ud800')],
    ['a value that is too long', row('a', new Uint8Array(16 * 1024 * 1024 + 1))],
    ['a revision of 0', row('a', 'v', 0)],
    ['a revision after the backup', row('a', 'v', 1001)],
    ['a revision that is no integer', row('a', 'v', 1.5)],
    ['a change before it was made', { ...row('a', 'v', 5), modifyRevision: 4 }],
  ])('a row with %s', async (_, wrong) => {
    await expect(write([wrong])).rejects.toThrow(RangeError)
  })

  test('rows of the wrong type or order', async () => {
    await expect(write([{ ...row('a'), key: 1 as never }])).rejects.toThrow(TypeError)
    await expect(write([{ ...row('a'), value: 'text' as never }])).rejects.toThrow(TypeError)
    await expect(write([row('b'), row('a')])).rejects.toThrow(RangeError)
    await expect(write([row('a'), row('a')])).rejects.toThrow(RangeError)
    // U+FFFD is before U+1F600 in UTF-8 and after it in UTF-16.
    await expect(write([row('😀'), row('\ufffd')])).rejects.toThrow(RangeError)
    await expect(write([row('\ufffd'), row('😀')])).resolves.toBeDefined()
  })

  test('the largest row is written and read', async () => {
    const value = new Uint8Array(16 * 1024 * 1024).map((_, i) => i >> 8)
    const bytes = await write([row('k'.repeat(1024), value, 1000)])
    const [found] = await all((await openBackupWithKey([bytes], backupKey, { backend })).rows())
    expect(Buffer.compare(found?.value ?? Buffer.alloc(0), value)).toBe(0)
  })
})

describe('reading', () => {
  test('wrong arguments', async () => {
    for (const source of [undefined, null, 1, 'text', {}]) {
      await expect(readBackupHeader(source as never)).rejects.toThrow(TypeError)
      await expect(openBackup(source as never, credential)).rejects.toThrow(TypeError)
      await expect(openBackupWithKey(source as never, backupKey)).rejects.toThrow(TypeError)
    }
    await expect(readBackupHeader([1] as never)).rejects.toThrow(TypeError)
    await expect(openBackup([file], undefined as never)).rejects.toThrow(TypeError)
    await expect(openBackupWithKey([file], 'key' as never)).rejects.toThrow(TypeError)
    await expect(openBackupWithKey([file], new Uint8Array(31))).rejects.toThrow(RangeError)
  })

  test('rows are read once', async () => {
    const content = await openBackupWithKey([file], backupKey)
    expect(await all(content.rows())).toHaveLength(1)
    expect(() => content.rows()).toThrow(TypeError)
  })

  test('on the neutral backend', async () => {
    const opened = await openBackup([file], credential)
    expect(await all(opened.rows())).toHaveLength(1)
    expect(await readBackupHeader([file], { backend: nobleBackend })).toEqual(opened.header)
  })
})
