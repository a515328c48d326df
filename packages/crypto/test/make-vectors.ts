/**
 * The vectors of our own constructions, made with fixed random bytes. `vectors.test.ts` holds the files to them, on both
 * backends; `SECREG_WRITE_VECTORS=1` writes the files anew, which a change of a format alone is a reason for.
 */
import { createHash } from 'node:crypto'
import {
  type Credential,
  type CryptoBackend,
  createSeal,
  deriveSubkey,
  KEY_PURPOSES,
  type NewProtector,
  SCRYPT_FLOOR,
  type Scrypt,
  STREAM_CHUNK_BYTES,
  sealStream,
  sealWithPassphrase,
} from '@secreg/crypto'
import { createRowCheck } from '@secreg/crypto/node'
import { createFixedRandom, fixNodeRandom, toHex, withFixedRandom } from '@secreg/testkit'
import { encodeFields } from '../src/bytes.ts'
import { sealCommitted } from '../src/committed-box.ts'
import { protectorContext } from '../src/protector-header.ts'
import { splitSecret } from '../src/shares.ts'
import { encodeValueAad, sealValue } from '../src/value-cipher.ts'
import { wrapEpoch } from '../src/wrapped-epoch.ts'
import { utf8 } from './support.ts'

/** What vectors are made with. */
export interface VectorTools {
  readonly backend: CryptoBackend
  readonly scrypt: Scrypt
}

const bytes = (name: string, length: number): Uint8Array => createFixedRandom(name)(length)

/** Root key of every vector that has one. */
export const ROOT: Uint8Array = bytes('root key', 32)

function fieldsVectors() {
  const lists: readonly (readonly (string | number | Uint8Array)[])[] = [
    [],
    [''],
    ['secreg/v1/epoch', 1],
    ['a', 'b'],
    ['ab'],
    [0, Number.MAX_SAFE_INTEGER],
    ['Žluť 😀', Uint8Array.of(0, 255), new Uint8Array()],
  ]
  return {
    vectors: lists.map((list) => ({
      fields: list.map((field) =>
        typeof field === 'string'
          ? { text: field }
          : typeof field === 'number'
            ? { number: field }
            : { bytes: toHex(field) },
      ),
      encoded: toHex(encodeFields(...list)),
    })),
  }
}

function committedVectors(backend: CryptoBackend) {
  const cases: readonly (readonly [Uint8Array, string, string])[] = [
    [bytes('secret 1', 32), 'a context', 'a plaintext'],
    [bytes('secret 2', 32), '', ''],
    [new Uint8Array(32), 'context', '0123456789'.repeat(20)],
  ]
  return {
    vectors: cases.map(([secret, contextText, plaintext]) => {
      const context = utf8(contextText)
      const box = sealCommitted(backend, secret, context, utf8(plaintext))
      const keys = backend.hkdfSha256(secret, new Uint8Array(), utf8('secreg/v1/committed'), 64)
      return {
        secret: toHex(secret),
        context: toHex(context),
        plaintext: toHex(utf8(plaintext)),
        wrapKey: toHex(keys.subarray(0, 32)),
        commitmentKey: toHex(keys.subarray(32)),
        commitment: toHex(box.commitment),
        nonce: toHex(box.nonce),
        sealed: toHex(box.sealed),
        checksum: toHex(box.checksum),
      }
    }),
  }
}

function subkeyVectors(backend: CryptoBackend) {
  return {
    root: toHex(ROOT),
    vectors: KEY_PURPOSES.map((purpose) => ({
      purpose,
      key: toHex(deriveSubkey(ROOT, purpose, backend)),
    })),
  }
}

function epochVectors(backend: CryptoBackend) {
  const wrapKey = deriveSubkey(ROOT, 'seal-epochs', backend)
  return {
    root: toHex(ROOT),
    vectors: [1, 2, 2 ** 32 - 1].map((epoch) => {
      const dataKey = bytes(`data key ${epoch}`, 32)
      return { dataKey: toHex(dataKey), row: wrapEpoch(backend, wrapKey, epoch, dataKey) }
    }),
  }
}

function valueVectors(backend: CryptoBackend) {
  const cases: readonly (readonly [number, bigint, string, Uint8Array])[] = [
    [1, 1n, 'string', utf8('secret123')],
    [2, 2n, 'integer', utf8('-42')],
    [7, 4_294_967_297n, 'json', utf8('{"a": [1, "ž"]}')],
    [2 ** 32 - 1, 2n ** 64n - 1n, 'bytes', Uint8Array.of(0, 1, 254, 255)],
    [1, 0n, 'string', new Uint8Array()],
    [1, 3n, 'x'.repeat(64), bytes('value', 100)],
  ]
  return {
    vectors: cases.map(([epoch, version, type, plaintext], i) => {
      const dataKey = bytes(`data key ${epoch}`, 32)
      const entryId = bytes(`entry ${i}`, 16)
      const binding = { entryId, version, type }
      return {
        dataKey: toHex(dataKey),
        epoch,
        entryId: toHex(entryId),
        version: String(version),
        type,
        plaintext: toHex(plaintext),
        aad: toHex(encodeValueAad(binding, epoch)),
        blob: toHex(sealValue(backend, dataKey, epoch, binding, plaintext)),
      }
    }),
  }
}

async function sharesVectors(backend: CryptoBackend) {
  const vectors: unknown[] = []
  for (const [threshold, count] of [
    [2, 2],
    [2, 3],
    [3, 5],
    [7, 12],
  ] as const) {
    const secret = bytes(`secret ${threshold} of ${count}`, 32)
    const setId = bytes(`set ${threshold} of ${count}`, 8)
    const shares = await splitSecret(secret, setId, threshold, count, backend)
    vectors.push({ secret: toHex(secret), setId: toHex(setId), threshold, count, shares })
  }
  return { vectors }
}

async function sealVectors(tools: VectorTools) {
  const passphrase = 'p\u0159\u00edli\u0161 \u017elu\u0165ou\u010dk\u00fd k\u016f\u0148'
  const key = bytes('key file', 64)
  const credential = bytes('credential', 32)
  const specs: readonly NewProtector[] = [
    { kind: 'passphrase', label: 'daily', passphrase, params: SCRYPT_FLOOR },
    { kind: 'key-file', bytes: key },
    { kind: 'systemd-credential', name: 'secreg.root', bytes: credential },
    {
      kind: 'shamir',
      label: 'Board of directors – 3 of 5',
      recovery: true,
      threshold: 3,
      count: 5,
    },
    { kind: 'key-file', label: 'vault', recovery: true, bytes: bytes('other key file', 32) },
  ]
  const { header, shareSets } = await createSeal(specs, { ...tools, rootKey: ROOT })
  const shares = shareSets[0]?.shares ?? []
  const credentials: readonly Credential[] = [
    // Decomposed: it is composed before it is used.
    { kind: 'passphrase', passphrase: passphrase.normalize('NFD') },
    { kind: 'key-file', bytes: key },
    { kind: 'systemd-credential', bytes: credential },
    { kind: 'shamir', shares: shares.slice(2) },
    { kind: 'key-file', bytes: bytes('other key file', 32) },
  ]
  return {
    root: toHex(ROOT),
    header,
    shares,
    protectors: header.protectors.map((protector, i) => {
      const given = credentials[i] as Credential
      return {
        id: protector.id,
        context: toHex(protectorContext(protector)),
        credential: 'bytes' in given ? { ...given, bytes: toHex(given.bytes) } : given,
      }
    }),
  }
}

async function passphraseVectors({ backend, scrypt }: VectorTools) {
  const cases: readonly (readonly [string, string, string])[] = [
    ['secreg-export-encrypted', 'correct horse battery staple', '{"hello":"world"}'],
    ['a', ' \u00e9 ', ''],
  ]
  const vectors: unknown[] = []
  for (const [format, passphrase, plaintext] of cases) {
    const options = { backend, scrypt, params: SCRYPT_FLOOR }
    const document = await sealWithPassphrase(format, passphrase, utf8(plaintext), options)
    vectors.push({ format, passphrase, plaintext: toHex(utf8(plaintext)), document })
  }
  return { vectors }
}

/** Plaintext of the stream vectors. */
export const streamPlaintext = (length: number): Uint8Array =>
  new Uint8Array(length).map((_, i) => i % 251)

async function streamVectors(backend: CryptoBackend) {
  const vectors: unknown[] = []
  for (const length of [
    0,
    1,
    100,
    STREAM_CHUNK_BYTES,
    STREAM_CHUNK_BYTES + 1,
    3 * STREAM_CHUNK_BYTES,
  ]) {
    const key = bytes(`stream ${length}`, 32)
    const aad = bytes(`stream aad ${length}`, 32)
    const hash = createHash('sha256')
    let sealed = Buffer.alloc(0)
    for await (const chunk of sealStream(key, aad, [streamPlaintext(length)], { backend })) {
      hash.update(chunk)
      sealed = Buffer.concat([sealed, chunk])
    }
    vectors.push({
      key: toHex(key),
      aad: toHex(aad),
      length,
      sealedLength: sealed.length,
      sealedSha256: hash.digest('hex'),
      lastTag: toHex(sealed.subarray(-16)),
      ...(length > 100 ? {} : { sealed: toHex(sealed) }),
    })
  }
  return { plaintext: 'byte i is i modulo 251', vectors }
}

function rowTagVectors() {
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['e/app/web/port', bytes('row 1', 60)],
    ['p/č', new Uint8Array()],
  ]
  const key = bytes('row check', 32)
  const check = createRowCheck(key)
  return {
    key: toHex(key),
    vectors: cases.map(([name, row]) => ({
      name,
      row: toHex(row),
      tag: toHex(check.tag(name, row)),
    })),
  }
}

/** Make the content of every file, by its name without the ending. */
export async function makeVectors({ backend, scrypt }: VectorTools): Promise<Map<string, unknown>> {
  const tools = (seed: string): VectorTools => ({ backend: withFixedRandom(backend, seed), scrypt })
  const fixed = <T>(seed: string, make: (tools: VectorTools) => Promise<T>): Promise<T> =>
    fixNodeRandom(seed, () => make(tools(seed)))
  return new Map<string, unknown>([
    ['fields', fieldsVectors()],
    ['committed-box', committedVectors(tools('committed box').backend)],
    ['subkeys', subkeyVectors(backend)],
    ['wrapped-epoch', epochVectors(tools('wrapped epoch').backend)],
    ['value-blob', valueVectors(tools('value blob').backend)],
    ['shares', await fixed('shares', (given) => sharesVectors(given.backend))],
    ['seal', await fixed('seal', sealVectors)],
    ['passphrase-document', await passphraseVectors(tools('passphrase document'))],
    ['stream', await streamVectors(backend)],
    ['row-tag', rowTagVectors()],
  ])
}
