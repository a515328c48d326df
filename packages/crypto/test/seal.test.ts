import {
  addProtector,
  assertCredentialName,
  type Credential,
  changePassphrase,
  createSeal,
  deriveSubkey,
  isCryptoError,
  type NewProtector,
  type NewSeal,
  openKeyRing,
  openSeal,
  type Protector,
  portableSeal,
  putProtector,
  removeProtector,
  replaceEpochs,
  replaceProtector,
  SCRYPT_FLOOR,
} from '@secreg/crypto'
import { createScryptPool, nodeBackend, type ScryptPool } from '@secreg/crypto/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf, everyFlip, json } from './support.ts'

let pool: ScryptPool
let derivations = 0
const options = () => ({
  backend: nodeBackend,
  scrypt: (...args: Parameters<ScryptPool['scrypt']>) => {
    derivations++
    return pool.scrypt(...args)
  },
})
const keyFile = new Uint8Array(64).map((_, i) => i * 3)
const PASSPHRASE: NewProtector = {
  kind: 'passphrase',
  passphrase: 'correct horse',
  params: SCRYPT_FLOOR,
}
const KEY_FILE: NewProtector = { kind: 'key-file', bytes: keyFile }
const CREDENTIAL: NewProtector = { kind: 'systemd-credential', name: 'secreg.key', bytes: keyFile }
const SHAMIR: NewProtector = { kind: 'shamir', threshold: 3, count: 5 }
const right: Credential = { kind: 'passphrase', passphrase: 'correct horse' }
const byFile: Credential = { kind: 'key-file', bytes: keyFile }

let seal: NewSeal
beforeAll(async () => {
  pool = createScryptPool()
  seal = await createSeal([PASSPHRASE, KEY_FILE, CREDENTIAL, SHAMIR], options())
})
afterAll(() => pool.close())

const rootOf = async (...args: Parameters<typeof openSeal>): Promise<Uint8Array> =>
  (await openSeal(...args)).rootKey
const headerKeyOf = (root: Uint8Array): Uint8Array => deriveSubkey(root, 'seal-header')
const shares = (): string[] => [...(seal.shareSets[0]?.shares ?? [])]
const openCode = (header: unknown, credential: Credential) =>
  codeOf(() => openSeal(header, credential, options()))

describe('opening', () => {
  test('each protector gives the same root key, also after JSON', async () => {
    const header = json(seal.header)
    const credentials: Credential[] = [
      right,
      byFile,
      { kind: 'systemd-credential', bytes: keyFile },
      { kind: 'shamir', shares: shares().slice(0, 3) },
      { kind: 'shamir', shares: shares().slice(2) },
      { kind: 'shamir', shares: shares() },
    ]
    for (const credential of credentials) {
      expect(await rootOf(header, credential, options())).toEqual(seal.rootKey)
    }
  })

  test('the platform-neutral scrypt and backend open it too', async () => {
    expect(await rootOf(seal.header, right)).toEqual(seal.rootKey)
  })

  test('the header holds the data key of epoch 1', () => {
    const ring = openKeyRing(seal.rootKey, seal.header.epochs)
    expect(ring.currentEpoch).toBe(1)
  })

  test('31: a wrong passphrase, key file or share is the wrong key', async () => {
    const other = keyFile.slice()
    other[0] = 1
    const foreign = (await createSeal([SHAMIR], options())).shareSets[0]?.shares ?? []
    const wrong: Credential[] = [
      { kind: 'passphrase', passphrase: 'correct horsf' },
      { kind: 'passphrase', passphrase: '' },
      { kind: 'passphrase', passphrase: new Uint8Array([0xff]) },
      { kind: 'key-file', bytes: other },
      { kind: 'systemd-credential', bytes: other },
      { kind: 'shamir', shares: foreign.slice(0, 3) },
      { kind: 'shamir', shares: [...shares().slice(0, 2), foreign[2] as string] },
    ]
    for (const credential of wrong) {
      expect(await openCode(seal.header, credential)).toBe('ERR_CRYPTO_WRONG_KEY')
    }
  })

  test('a protector can be named, and none of the kind is its own error', async () => {
    const [first, second] = seal.header.protectors as [Protector, Protector]
    expect(await rootOf(seal.header, { ...right, protectorId: first.id }, options())).toEqual(
      seal.rootKey,
    )
    expect(await openCode(seal.header, { ...right, protectorId: second.id })).toBe(
      'ERR_CRYPTO_NO_PROTECTOR',
    )
    const one = await createSeal([KEY_FILE], options())
    expect(await openCode(one.header, right)).toBe('ERR_CRYPTO_NO_PROTECTOR')
  })

  test('two passphrases both open', async () => {
    const second: NewProtector = { ...PASSPHRASE, passphrase: 'another one' }
    const { header } = await addProtector(seal.header, seal.rootKey, second, options())
    for (const passphrase of ['correct horse', 'another one']) {
      const root = await rootOf(header, { kind: 'passphrase', passphrase }, options())
      expect(root).toEqual(seal.rootKey)
    }
  })

  test('composed and decomposed letters are one passphrase', async () => {
    const spec: NewProtector = { ...PASSPHRASE, passphrase: 'cafe\u0301' }
    const { header, rootKey } = await createSeal([spec], options())
    const bytes = new TextEncoder().encode('caf\u00e9')
    expect(await rootOf(header, { kind: 'passphrase', passphrase: bytes }, options())).toEqual(
      rootKey,
    )
  })
})

describe('damage', () => {
  test('30: any flipped bit of the header is refused, before any derivation', async () => {
    derivations = 0
    for (const damagedHeader of everyFlip(seal.header)) {
      const code = await openCode(damagedHeader, byFile)
      expect(code).toMatch(/^ERR_CRYPTO_(DAMAGED|FORMAT|KDF_BELOW_FLOOR|KDF_ABOVE_CEILING)$/)
    }
    expect(derivations).toBe(0)
  })

  test('damage is told from a wrong passphrase whatever passphrase is given', async () => {
    const header = json(seal.header)
    const protector = header.protectors[0] as { wrapped: string }
    protector.wrapped = `${protector.wrapped.startsWith('A') ? 'B' : 'A'}${protector.wrapped.slice(1)}`
    expect(await openCode(header, right)).toBe('ERR_CRYPTO_DAMAGED')
    expect(await openCode(header, { ...right, passphrase: 'no' })).toBe('ERR_CRYPTO_DAMAGED')
  })

  test('a protector taken out, doubled or reordered is damage', async () => {
    const [a, b, ...rest] = seal.header.protectors as [Protector, Protector]
    for (const protectors of [[b], [b, a, ...rest], [a, b], [a, b, a, ...rest], []]) {
      expect(await openCode({ ...seal.header, protectors }, byFile)).toBe('ERR_CRYPTO_DAMAGED')
    }
  })

  test('an epoch of another store is damage', async () => {
    const other = await createSeal([KEY_FILE], options())
    const mixed = { ...seal.header, epochs: other.header.epochs }
    expect(await openCode(mixed, byFile)).toBe('ERR_CRYPTO_DAMAGED')
  })

  test('another format version is named as such', async () => {
    expect(await openCode({ ...seal.header, format: 2 }, byFile)).toBe('ERR_CRYPTO_FORMAT')
  })

  test.each([null, undefined, 1, 'text', [], {}, { format: '1' }, { format: 1 }])(
    'not a header: %j',
    async (header) => {
      expect(await openCode(header, byFile)).toBe('ERR_CRYPTO_DAMAGED')
    },
  )

  test('an unknown member is damage', async () => {
    expect(await openCode({ ...seal.header, more: 1 }, byFile)).toBe('ERR_CRYPTO_DAMAGED')
    const [first, ...rest] = seal.header.protectors
    const protectors = [{ ...first, more: 1 }, ...rest]
    expect(await openCode({ ...seal.header, protectors }, byFile)).toBe('ERR_CRYPTO_DAMAGED')
  })
})

describe('36: the bounds of the derivation', () => {
  const withKdf = (kdf: object): unknown => {
    const header = json<unknown>(seal.header) as { protectors: { kdf: object }[] }
    const [first] = header.protectors
    if (first !== undefined) first.kdf = { ...first.kdf, ...kdf }
    return header
  }
  test.each([{ N: 2 ** 14 }, { N: 1 }, { r: 7 }, { r: 1 }])('below the floor: %j', async (kdf) => {
    derivations = 0
    expect(await openCode(withKdf(kdf), right)).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
    expect(derivations).toBe(0)
  })

  test.each([{ N: 2 ** 21 }, { r: 33 }, { p: 17 }, { N: 2 ** 20, r: 16 }, { N: 2 ** 52 }])(
    'above the ceiling: %j',
    async (kdf) => {
      derivations = 0
      expect(await openCode(withKdf(kdf), right)).toBe('ERR_CRYPTO_KDF_ABOVE_CEILING')
      expect(derivations).toBe(0)
    },
  )

  test.each([{ N: 40_000 }, { N: -1 }, { N: '32768' }, { p: 0 }, { r: 8.5 }, { name: 'pbkdf2' }])(
    'malformed: %j',
    async (kdf) => {
      expect(await openCode(withKdf(kdf), right)).toBe('ERR_CRYPTO_DAMAGED')
    },
  )

  test('a new protector obeys them too', async () => {
    const weak: NewProtector = { ...PASSPHRASE, params: { N: 2 ** 14, r: 8, p: 1 } }
    expect(await codeOf(() => createSeal([weak], options()))).toBe('ERR_CRYPTO_KDF_BELOW_FLOOR')
  })
})

describe('changes', () => {
  test('33: after a change of passphrase the old one fails and values stay readable', async () => {
    const ring = openKeyRing(seal.rootKey, seal.header.epochs)
    const binding = { entryId: new Uint8Array(16), version: 1, type: 'string' }
    const blob = ring.sealValue(binding, new TextEncoder().encode('secret123'))
    const header = await changePassphrase(seal.header, 'correct horse', 'battery staple', {
      ...options(),
      params: SCRYPT_FLOOR,
    })
    expect(await openCode(header, right)).toBe('ERR_CRYPTO_WRONG_KEY')
    const next: Credential = { kind: 'passphrase', passphrase: 'battery staple' }
    const root = await rootOf(header, next, options())
    const opened = openKeyRing(root, header.epochs).openValue(binding, blob)
    expect(new TextDecoder().decode(opened)).toBe('secret123')
    expect(header.protectors.map(({ id }) => id)).toEqual(
      seal.header.protectors.map(({ id }) => id),
    )
    expect(await rootOf(header, byFile, options())).toEqual(root)
  })

  test('a wrong current passphrase changes nothing', async () => {
    expect(await codeOf(() => changePassphrase(seal.header, 'no', 'next', options()))).toBe(
      'ERR_CRYPTO_WRONG_KEY',
    )
  })

  test('protectors are added and removed, the last one stays', async () => {
    const one = await createSeal([KEY_FILE], options())
    const added = await addProtector(one.header, one.rootKey, SHAMIR, options())
    expect(added.shares).toHaveLength(5)
    const byShares: Credential = { kind: 'shamir', shares: added.shares.slice(1, 4) }
    expect(await rootOf(added.header, byShares, options())).toEqual(one.rootKey)
    const [file] = one.header.protectors as [Protector]
    const without = removeProtector(added.header, headerKeyOf(one.rootKey), file.id, options())
    expect(await openCode(without, byFile)).toBe('ERR_CRYPTO_NO_PROTECTOR')
    expect(await rootOf(without, byShares, options())).toEqual(one.rootKey)
    const remove = (id: string) =>
      codeOf(() => removeProtector(without, headerKeyOf(one.rootKey), id))
    expect(await remove(added.protectorId)).toBe('ERR_CRYPTO_LAST_PROTECTOR')
    expect(await remove(file.id)).toBe('ERR_CRYPTO_NO_PROTECTOR')
  })

  test('nothing is changed under a root key of another store', async () => {
    const root = nodeBackend.randomBytes(32)
    expect(await codeOf(() => addProtector(seal.header, root, KEY_FILE))).toBe('ERR_CRYPTO_DAMAGED')
    expect(await codeOf(() => replaceEpochs(seal.header, root, seal.header.epochs))).toBe(
      'ERR_CRYPTO_DAMAGED',
    )
  })

  test('a protector is made anew in its place, of another kind too', async () => {
    const [first, file] = seal.header.protectors as [Protector, Protector]
    const spec: NewProtector = { ...SHAMIR, label: 'board', recovery: true }
    const changed = await replaceProtector(seal.header, seal.rootKey, file.id, spec, options())
    expect(changed.protectorId).toBe(file.id)
    expect(changed.header.protectors.map(({ id }) => id)).toEqual(
      seal.header.protectors.map(({ id }) => id),
    )
    expect(changed.header.protectors[1]).toMatchObject({ label: 'board', recovery: true })
    expect(await openCode(changed.header, byFile)).toBe('ERR_CRYPTO_NO_PROTECTOR')
    const byShares: Credential = { kind: 'shamir', shares: changed.shares.slice(1, 4) }
    expect(await openSeal(changed.header, byShares, options())).toEqual({
      rootKey: seal.rootKey,
      protectorId: file.id,
    })
    expect((await openSeal(changed.header, right, options())).protectorId).toBe(first.id)
    expect(
      await codeOf(() =>
        replaceProtector(seal.header, seal.rootKey, 'f'.repeat(32), spec, options()),
      ),
    ).toBe('ERR_CRYPTO_NO_PROTECTOR')
  })

  test('a protector made for one header is put into what that has become meanwhile', async () => {
    const key = headerKeyOf(seal.rootKey)
    const [first] = seal.header.protectors as [Protector]
    const added = await addProtector(seal.header, seal.rootKey, SHAMIR, options())
    const made = added.header.protectors.at(-1) as Protector
    const ring = openKeyRing(seal.rootKey, seal.header.epochs)
    const rotated = replaceEpochs(seal.header, key, [...seal.header.epochs, ring.addEpoch()])
    const next = putProtector(rotated, key, made, options())
    expect(next.epochs).toEqual(rotated.epochs)
    expect(next.protectors).toEqual([...seal.header.protectors, made])
    const byShares: Credential = { kind: 'shamir', shares: added.shares.slice(0, 3) }
    expect((await openSeal(next, byShares, options())).protectorId).toBe(made.id)
    const anew: NewProtector = { ...PASSPHRASE, passphrase: 'another one' }
    const changed = await replaceProtector(seal.header, seal.rootKey, first.id, anew, options())
    const replaced = putProtector(next, key, changed.header.protectors[0] as Protector)
    expect(replaced.protectors.map(({ id }) => id)).toEqual(next.protectors.map(({ id }) => id))
    const other: Credential = { kind: 'passphrase', passphrase: 'another one' }
    expect((await openSeal(replaced, other, options())).protectorId).toBe(first.id)
    expect(await openCode(replaced, { ...right, protectorId: first.id })).toBe(
      'ERR_CRYPTO_WRONG_KEY',
    )
    const flipped = { ...made, wrapped: first.wrapped }
    for (const [headerKey, protector] of [
      [headerKeyOf(nodeBackend.randomBytes(32)), made],
      [key, flipped],
    ] as const) {
      expect(await codeOf(() => putProtector(next, headerKey, protector))).toBe(
        'ERR_CRYPTO_DAMAGED',
      )
    }
  })

  test('what is kept for recovery does not open where only daily protectors may', async () => {
    const recovery: NewProtector = { ...PASSPHRASE, passphrase: 'in the safe', recovery: true }
    const made = await createSeal([PASSPHRASE, recovery], options())
    const open = (passphrase: string, protectors: 'all' | 'daily' | 'recovery') =>
      codeOf(() =>
        openSeal(
          made.header,
          { kind: 'passphrase', passphrase },
          { backend: nodeBackend, scrypt: pool.scrypt, protectors },
        ),
      )
    expect(await open('in the safe', 'daily')).toBe('ERR_CRYPTO_WRONG_KEY')
    expect(await open('in the safe', 'recovery')).toBeUndefined()
    expect(await open('in the safe', 'all')).toBeUndefined()
    expect(await open('correct horse', 'recovery')).toBe('ERR_CRYPTO_WRONG_KEY')
    expect(await open('correct horse', 'daily')).toBeUndefined()
  })

  test('a mark on disk makes no recovery protector a daily one', async () => {
    const made = await createSeal([{ ...PASSPHRASE, label: 'a', recovery: true }], options())
    const [protector] = made.header.protectors as [Protector]
    const { recovery: _, ...daily } = protector
    const { label: __, ...unnamed } = protector
    for (const edited of [daily, unnamed, { ...protector, label: 'b' }]) {
      const header = { ...made.header, protectors: [edited] }
      expect(await openCode(header, right)).toBe('ERR_CRYPTO_DAMAGED')
    }
    for (const [member, value] of [
      ['recovery', false],
      ['label', ''],
      ['label', 'a\nb'],
    ]) {
      const header = { ...made.header, protectors: [{ ...protector, [member as string]: value }] }
      expect(await openCode(header, right)).toBe('ERR_CRYPTO_DAMAGED')
    }
  })

  test('a seal that travels keeps what works on another host, or there is none', async () => {
    const key = headerKeyOf(seal.rootKey)
    const travelling = portableSeal(seal.header, key, options())
    expect(travelling.protectors.map(({ kind }) => kind)).toEqual([
      'passphrase',
      'key-file',
      'shamir',
    ])
    expect(await rootOf(json(travelling), right, options())).toEqual(seal.rootKey)
    const bound = await createSeal([CREDENTIAL], options())
    expect(await codeOf(() => portableSeal(bound.header, headerKeyOf(bound.rootKey)))).toBe(
      'ERR_CRYPTO_NO_PORTABLE',
    )
    expect(await codeOf(() => portableSeal(seal.header, new Uint8Array(32)))).toBe(
      'ERR_CRYPTO_DAMAGED',
    )
  })

  test('epochs are replaced, in any order given', async () => {
    const ring = openKeyRing(seal.rootKey, seal.header.epochs)
    const second = ring.addEpoch()
    const rows = [second, ...seal.header.epochs]
    const header = replaceEpochs(seal.header, headerKeyOf(seal.rootKey), rows, options())
    expect(header.epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
    expect(await rootOf(header, byFile, options())).toEqual(seal.rootKey)
    expect(openKeyRing(seal.rootKey, header.epochs).currentEpoch).toBe(2)
    for (const bad of [[], [second, second]]) {
      expect(await codeOf(() => replaceEpochs(seal.header, headerKeyOf(seal.rootKey), bad))).toBe(
        'ERR_CRYPTO_DAMAGED',
      )
    }
  })
})

describe('what is written', () => {
  test('32: neither passphrase, key file, shares nor keys occur in the header', () => {
    const text = JSON.stringify(seal.header)
    const bytes = Buffer.from(text)
    for (const secret of [Buffer.from('correct horse'), Buffer.from(seal.rootKey)]) {
      expect(bytes.includes(secret)).toBe(false)
      expect(text).not.toContain(secret.toString('base64'))
      expect(text).not.toContain(secret.toString('hex'))
    }
    for (const share of shares()) expect(text).not.toContain(share.slice(24, 31))
  })

  test('a given root key is copied, not taken over', async () => {
    const rootKey = nodeBackend.randomBytes(32)
    const made = await createSeal([KEY_FILE], { ...options(), rootKey })
    expect(made.rootKey).toEqual(rootKey)
    expect(made.rootKey.buffer).not.toBe(rootKey.buffer)
  })

  test('credentials given by the caller are left as they are', async () => {
    const bytes = keyFile.slice()
    const passphrase = new TextEncoder().encode('correct horse')
    await rootOf(seal.header, { kind: 'key-file', bytes }, options())
    await rootOf(seal.header, { kind: 'passphrase', passphrase }, options())
    expect(bytes).toEqual(keyFile)
    expect(new TextDecoder().decode(passphrase)).toBe('correct horse')
  })
})

describe('arguments', () => {
  test('wrong types and ranges', async () => {
    const reject = async (call: () => unknown, type: typeof TypeError | typeof RangeError) => {
      let error: unknown
      try {
        await call()
      } catch (thrown) {
        error = thrown
      }
      expect(error).toBeInstanceOf(type)
      expect(isCryptoError(error)).toBe(false)
    }
    const bad = (value: unknown) => value as never
    await reject(() => createSeal(bad('x')), TypeError)
    await reject(() => createSeal([]), RangeError)
    await reject(() => createSeal([bad(null)]), TypeError)
    await reject(() => createSeal([bad({ kind: 'tpm2' })]), RangeError)
    await reject(() => createSeal([{ kind: 'passphrase', passphrase: bad(1) }]), TypeError)
    await reject(() => createSeal([{ kind: 'passphrase', passphrase: '' }]), RangeError)
    await reject(() => createSeal([{ kind: 'key-file', bytes: bad('text') }]), TypeError)
    await reject(() => createSeal([{ kind: 'key-file', bytes: new Uint8Array(31) }]), RangeError)
    await reject(() => createSeal([{ kind: 'key-file', bytes: new Uint8Array(4097) }]), RangeError)
    await reject(() => createSeal([{ ...KEY_FILE, label: '' }]), RangeError)
    await reject(() => createSeal([{ ...KEY_FILE, label: 'x'.repeat(65) }]), RangeError)
    await reject(() => createSeal([{ ...KEY_FILE, label: 'a\u2028b' }]), RangeError)
    await reject(() => createSeal([{ kind: 'shamir', threshold: 1, count: 5 }]), RangeError)
    await reject(() => createSeal([{ kind: 'shamir', threshold: 6, count: 5 }]), RangeError)
    await reject(() => createSeal([{ kind: 'shamir', threshold: 2, count: 256 }]), RangeError)
    await reject(() => createSeal([KEY_FILE], { rootKey: new Uint8Array(31) }), RangeError)
    await reject(() => createSeal(new Array(17).fill(KEY_FILE)), RangeError)
    await reject(() => openSeal(seal.header, bad(null)), TypeError)
    await reject(() => openSeal(seal.header, { kind: 'key-file', bytes: bad('x') }), TypeError)
    await reject(() => openSeal(seal.header, { kind: 'shamir', shares: bad('x') }), TypeError)
    await reject(() => openSeal(seal.header, { kind: 'shamir', shares: [bad(1)] }), TypeError)
    await reject(() => addProtector(seal.header, bad('x'), KEY_FILE), TypeError)
    await reject(() => addProtector(seal.header, new Uint8Array(16), KEY_FILE), RangeError)
    await reject(() => removeProtector(seal.header, headerKeyOf(seal.rootKey), bad(1)), TypeError)
    await reject(() => replaceEpochs(seal.header, headerKeyOf(seal.rootKey), bad(1)), TypeError)
    await reject(() => changePassphrase(seal.header, bad(1), 'x'), TypeError)
  })

  test('35: a credential name that leaves its directory is refused', async () => {
    for (const name of [
      '../../x',
      '..',
      '.',
      '',
      'a/b',
      '/etc/passwd',
      'a\0b',
      'a\\b',
      '.hidden',
    ]) {
      const spec: NewProtector = { kind: 'systemd-credential', name, bytes: keyFile }
      expect(await codeOf(() => createSeal([spec]))).toBe('ERR_CRYPTO_CREDENTIAL_NAME')
    }
    expect(() => assertCredentialName(1 as never)).toThrow(TypeError)
    const header = json(seal.header)
    const protectors = header.protectors.map((protector) =>
      protector.kind === 'systemd-credential' ? { ...protector, credential: '../../x' } : protector,
    )
    expect(await openCode({ ...header, protectors }, byFile)).toBe('ERR_CRYPTO_DAMAGED')
  })
})
