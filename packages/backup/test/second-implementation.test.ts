/** The implementation in Python (`tools/open-secreg.py`) opens what this one writes, and refuses what this one refuses. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type BackupRow, writeBackup } from '@secreg/backup'
import {
  createSeal,
  deriveSubkey,
  openKeyRing,
  SCRYPT_FLOOR,
  sealWithPassphrase,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { createTempHome, requirePython, runChild, type SkippableContext } from '@secreg/testkit'
import fc from 'fast-check'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { loadCredentials, urlOf } from './make-vectors.ts'
import { collect, lineOf, parts, SEALED_CHUNK, utf8 } from './support.ts'

const PROGRAM = fileURLToPath(new URL('../../../tools/open-secreg.py', import.meta.url))
const STATUS = { opened: 0, wrong: 2, fewShares: 3, badShare: 4, damaged: 5, cut: 6, newer: 7 }

let python = ''
beforeEach((context) => {
  python ||= requirePython(context as unknown as SkippableContext, 'cryptography')
})
const home = createTempHome()
afterAll(() => home.remove())

interface Shown {
  readonly path: string
  readonly type: string
  readonly version: number
  readonly encrypted: boolean
  readonly state: string
  readonly value: string | null
}

async function run(args: readonly string[], input = '') {
  const { code, stdout, stderr } = await runChild(python, ['-I', PROGRAM, '--json', ...args], {
    input,
    timeoutMs: 60_000,
  })
  // Nothing is shown of what is refused, and no refusal is a crash.
  if (code !== 0) expect(stdout).toBe('')
  expect(stderr).not.toContain('Traceback')
  const lines = stdout.split('\n').filter((line) => line !== '')
  return { code, stderr, shown: lines.map((line) => JSON.parse(line) as Shown) }
}

const vector = (name: string): string => fileURLToPath(urlOf(name))
const { passphrase, keyFile, shares } = loadCredentials()
const keyFilePath = home.file('key')
writeFileSync(keyFilePath, keyFile)

/** Write bytes to a file and give its path. */
function fileOf(bytes: Uint8Array): string {
  const path = home.file('subject')
  writeFileSync(path, bytes)
  return path
}

describe('the vectors', () => {
  const entries = (
    JSON.parse(readFileSync(urlOf('export.secreg'), 'utf8')) as {
      entries: (Omit<Shown, 'path'> & { key: string })[]
    }
  ).entries.map(({ key: path, type, version, encrypted, value }) => ({
    path,
    type,
    version,
    encrypted,
    state: 'active',
    value,
  }))

  test.each([
    ['passphrase', [], `${passphrase}\n`],
    ['passphrase, decomposed', [], `${passphrase.normalize('NFD')}\n`],
    ['key file', ['--key-file', keyFilePath], ''],
    ['shares', ['--shares'], `${shares.slice(0, 2).join('\n')}\n`],
    ['other shares, in lower case', ['--shares'], shares.slice(1).join('\n').toLowerCase()],
    ['all shares', ['--shares'], shares.join('\n')],
  ])('a backup opens with its %s and shows what the export shows', async (_, args, input) => {
    const { code, stderr, shown } = await run([...args, vector('store.backup')], input)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(shown.filter(({ state }) => state === 'active')).toEqual(entries)
  })

  test('a backup has the history that the store had', async () => {
    const { shown } = await run(['--key-file', keyFilePath, vector('store.backup')])
    const others = shown
      .filter(({ state }) => state !== 'active')
      .map(({ path, version, state, value }) => [path, version, state, value?.slice(0, 12)])
    expect(others).toEqual([
      ['/app/back', 2, 'kept', 'two'],
      ['/app/cut', 1, 'destroyed', undefined],
      ['/app/long', 1, 'kept', 'Lorem ipsum '],
      ['/app/old', 1, 'deleted', 'was here'],
      ['/app/web/port', 1, 'kept', '8080'],
      ['/app/web/token', 1, 'kept', 'first token'],
    ])
  })

  test('exports open, encrypted and in the clear', async () => {
    const encrypted = await run([vector('export-encrypted.secreg')], `${passphrase}\n`)
    expect(encrypted.shown).toEqual(entries)
    expect((await run([vector('export.secreg')])).shown).toEqual(entries)
  })
})

describe('what is made now', () => {
  type Made = { type: string; value: Uint8Array; encrypt: boolean }
  const made: fc.Arbitrary<Made> = fc.record({
    type: fc.constantFrom('string', 'bytes'),
    value: fc
      .oneof(fc.string({ unit: 'grapheme', maxLength: 50 }), fc.constant('long '.repeat(1000)))
      .map(utf8),
    encrypt: fc.boolean(),
  })

  /** A record of the store, as `docs/formats.md` has it. */
  function record(flags: number, header: object, value: Uint8Array | undefined): Uint8Array {
    const text = Buffer.from(JSON.stringify(header))
    const head = Buffer.alloc(6)
    head[0] = 2
    head[1] = value === undefined ? flags : flags | 16
    head.writeUInt32BE(text.length, 2)
    return Buffer.concat([head, text, value ?? Buffer.alloc(0)])
  }

  test('backups of any entries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.stringMatching(/^[a-z]{1,8}$/),
          fc.array(made, { minLength: 1, maxLength: 3 }),
        ),
        async (entries) => {
          const bytes = new Uint8Array(randomBytes(32))
          const seal = await createSeal([{ kind: 'key-file', bytes, label: 'ž – “x”' }], {
            backend: nodeBackend,
          })
          const ring = openKeyRing(seal.rootKey, seal.header.epochs, nodeBackend)
          const rows: BackupRow[] = []
          const put = (key: string, value: Uint8Array) =>
            rows.push({ key, value, createRevision: 1, modifyRevision: 1000 })
          const expected: Shown[] = []
          for (const [name, versions] of Object.entries(entries)) {
            const id = randomBytes(16)
            for (const [at, { type, value, encrypt }] of versions.entries()) {
              const version = at + 1
              const isActive = version === versions.length
              const place = `${id.toString('hex')}/${String(version).padStart(12, '0')}`
              const stored = encrypt ? ring.sealValue({ entryId: id, version, type }, value) : value
              const inline = stored.length <= 4096 ? stored : undefined
              const flags = encrypt ? 1 : 0
              put(`v/${place}`, record(flags, { t: type, c: 1, cb: 'x' }, inline))
              if (inline === undefined) put(`w/${place}`, stored)
              const header = { i: id.toString('hex'), t: type, a: version, p: [1, version] }
              if (isActive) put(`e/${name}`, record(flags, header, inline))
              const text = Buffer.from(value).toString(type === 'bytes' ? 'base64' : 'utf8')
              const state = isActive ? 'active' : 'kept'
              expected.push({
                path: `/${name}`,
                type,
                version,
                encrypted: encrypt,
                state,
                value: text,
              })
            }
          }
          rows.sort((a, b) => Buffer.compare(utf8(a.key), utf8(b.key)))
          const file = await collect(
            writeBackup({
              ...parts,
              seal: seal.header,
              backupKey: deriveSubkey(seal.rootKey, 'backup', nodeBackend),
              rows,
            }),
          )
          const key = home.file('fresh-key')
          writeFileSync(key, bytes)
          const { code, stderr, shown } = await run(['--key-file', key, fileOf(file)])
          expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
          const inOrder = (items: readonly Shown[]) =>
            items.map((item) => JSON.stringify(item, Object.keys(item).sort())).sort()
          expect(inOrder(shown)).toEqual(inOrder(expected))
        },
      ),
      { numRuns: 8 },
    )
  })

  test('encrypted exports', async () => {
    const text = readFileSync(urlOf('export.secreg'))
    for (const secret of ['short', ' with blanks ', 'x'.repeat(4096), '🔑'.repeat(20)]) {
      const document = await sealWithPassphrase('secreg-export-encrypted', secret, text, {
        backend: nodeBackend,
        params: SCRYPT_FLOOR,
      })
      const file = fileOf(utf8(JSON.stringify(document)))
      expect((await run([file], `${secret}\n`)).shown).toHaveLength(12)
      expect((await run([file], `${secret}x\n`)).code).toBe(STATUS.wrong)
    }
  })
})

describe('what cannot be opened, each for its own reason', () => {
  const backup = readFileSync(urlOf('store.backup'))
  const document = readFileSync(urlOf('export-encrypted.secreg'))
  const byKey = async (bytes: Uint8Array) =>
    (await run(['--key-file', keyFilePath, fileOf(bytes)])).code

  test('wrong passphrase, key file, shares', async () => {
    const file = vector('store.backup')
    const otherKey = home.file('other-key')
    writeFileSync(otherKey, new Uint8Array(32))
    const foreign = await createSeal([{ kind: 'shamir', threshold: 2, count: 3 }])
    const other = foreign.shareSets[0]?.shares ?? []
    const [a, b] = shares as [string, string]
    const mistyped = b.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A'))
    const table: readonly (readonly [string[], string, number])[] = [
      [[], 'another passphrase\n', STATUS.wrong],
      [[], '\n', STATUS.wrong],
      [['--key-file', otherKey], '', STATUS.wrong],
      [['--shares'], a, STATUS.fewShares],
      [['--shares'], `${a}\n${a}`, STATUS.fewShares],
      [['--shares'], '', STATUS.fewShares],
      [['--shares'], `${a}\n${other[0]}`, STATUS.badShare],
      [['--shares'], other.join('\n'), STATUS.badShare],
      [['--shares'], `${a}\n${mistyped}`, STATUS.badShare],
      [['--shares'], `${a}\nSRS1-nonsense`, STATUS.badShare],
    ]
    for (const [args, input, status] of table) {
      expect((await run([...args, file], input)).code, `${args} ${input}`).toBe(status)
    }
  })

  test('a forged share: it has the checksum, and the secret is another', async () => {
    const forged = forgeShare(shares[1] as string)
    const { code } = await run(['--shares', vector('store.backup')], `${shares[0]}\n${forged}`)
    expect(code).toBe(STATUS.wrong)
  })

  test('a flipped bit in the first line of a backup', async () => {
    const { length } = lineOf(backup)
    for (let at = 0; at < length; at += at < 30 ? 3 : 61) {
      const code = await byKey(flip(backup, at * 8 + (at % 8)))
      expect(code, `byte ${at}`).toBe(at < 25 ? STATUS.newer : STATUS.damaged)
    }
    expect(await byKey(flip(backup, (length - 1) * 8))).toBe(STATUS.damaged)
  }, 120_000)

  test('a flipped bit in the content of a backup', async () => {
    const from = lineOf(backup).length
    for (const at of [0, 1, 3, 4, 5, 200, 5000, 40_000, 65_535, SEALED_CHUNK - 1]) {
      expect(await byKey(flip(backup, (from + at) * 8 + (at % 8))), `${at}`).toBe(STATUS.damaged)
    }
  })

  test('a backup that is cut short or continued', async () => {
    const from = lineOf(backup).length
    for (const end of [0, 10, 100, from - 1, from, from + 1, from + 50_000, backup.length - 1]) {
      expect(await byKey(backup.subarray(0, end)), `${end} bytes`).toBe(STATUS.cut)
    }
    const body = backup.subarray(from)
    for (const more of [Buffer.of(10), body, backup]) {
      expect(await byKey(Buffer.concat([backup, more]))).toBe(STATUS.cut)
    }
  })

  test('a flipped bit in an encrypted export', async () => {
    for (let at = 0; at < document.length - 1; at += at < 400 ? 13 : 1999) {
      const { code } = await run([fileOf(flip(document, at * 8 + (at % 7)))], `${passphrase}\n`)
      const isName = at < '{"format":"secreg-export-encrypted","version":1,'.length
      if (isName) expect([STATUS.damaged, STATUS.newer], `byte ${at}`).toContain(code)
      else expect(code, `byte ${at}`).toBe(STATUS.damaged)
    }
  }, 120_000)

  test('a changed export in the clear', async () => {
    const text = readFileSync(urlOf('export.secreg'), 'utf8')
    const changed = fileOf(utf8(text.replace('"8081"', '"8082"')))
    expect((await run([changed])).code).toBe(STATUS.damaged)
  })

  test('files of other kinds, and none', async () => {
    for (const text of ['hello', '{}', '[]', '{"format":"other","version":1}', '{"format":1}']) {
      expect((await run([fileOf(utf8(text))], 'x\n')).code, text).toBe(STATUS.newer)
    }
    expect((await run([home.file('absent')])).code).toBe(1)
    expect((await run(['--nonsense'])).code).toBe(1)
  })
})

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
  return flipped
}

/** The share with another content and a checksum that fits. */
function forgeShare(text: string): string {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const digits = text.slice(5).replaceAll('-', '')
  const bits = [...digits].map((c) => ALPHABET.indexOf(c).toString(2).padStart(5, '0')).join('')
  const bytes = Uint8Array.from({ length: 48 }, (_, i) =>
    Number.parseInt(bits.slice(8 * i, 8 * i + 8), 2),
  )
  bytes[20] = (bytes[20] as number) ^ 1
  const sum = nodeBackend.sha256(Buffer.concat([utf8('secreg/v1/share'), bytes.subarray(0, 44)]))
  bytes.set(sum.subarray(0, 4), 44)
  const again = `${[...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')}0`
  const chars = (again.match(/.{5}/g) ?? []).map((five) => ALPHABET[Number.parseInt(five, 2)])
  return `SRS1-${chars.join('')}`
}
