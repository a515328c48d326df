/**
 * Signed notes, C2SP signed-note (https://c2sp.org/signed-note), with Ed25519:
 *
 * ```
 * text, ending in a newline
 *
 * — NAME base64(4 bytes key id ‖ 64 bytes signature)
 * ```
 *
 * A verifier key (vkey) is `NAME+hex(key id)+base64(0x01 ‖ 32 bytes public key)`, and a key id the
 * first four bytes of SHA-256(name ‖ newline ‖ 0x01 ‖ public key). The id is short and proves
 * nothing; a key is known by its whole vkey.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { formatBase64, parseBase64 } from './text.ts'

/** Bytes of an Ed25519 seed and of a public key. */
export const KEY_BYTES = 32
/** Most signatures that a note may have; the specification asks for at least 16. */
export const MAX_SIGNATURES = 100

const ED25519 = 0x01
const ID_BYTES = 4
const SIGNATURE_BYTES = 64
/** RFC 8410 §7: PKCS#8 of an Ed25519 seed, all but the seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** RFC 8410 §4: SPKI of an Ed25519 public key, all but the key. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const NAME = /^[^\p{White_Space}+\p{Surrogate}\p{Cc}]+$/u
const VKEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/
const LINE_START = '\u2014 '

/** A public key that notes are checked with. */
export interface NoteKey {
  readonly name: string
  /** Unsigned, 32 bits. */
  readonly keyId: number
  readonly vkey: string
  /** Whether `signature` (64 bytes) is this key's over `text`. */
  verify(text: string, signature: Uint8Array): boolean
}

/** A private key that signs notes. */
export interface NoteSigner {
  readonly name: string
  readonly keyId: number
  readonly vkey: string
  /** Signature line over `text`, with its newline. */
  sign(text: string): string
}

export interface NoteSignature {
  readonly name: string
  readonly keyId: number
  /** As it stands behind the key id; other algorithms than Ed25519 have other lengths. */
  readonly signature: Uint8Array
}

/** A note as it was read; nothing of it may be believed before {@link verifyNote}. */
export interface Note {
  /** With its final newline. */
  readonly text: string
  /** At least one. */
  readonly signatures: readonly NoteSignature[]
}

/**
 * Signer of a seed of 32 bytes, which is not kept: node:crypto holds the key from then on.
 * @param name - Not empty, without blank, control character and `+`; the log's origin.
 */
export function createSigner(seed: Uint8Array, name: string): NoteSigner {
  if (seed.length !== KEY_BYTES) {
    throw new RangeError(`expected seed of ${KEY_BYTES} bytes, got ${seed.length}`)
  }
  const der = Buffer.concat([PKCS8_PREFIX, seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const publicKey = spki.subarray(SPKI_PREFIX.length)
  const vkey = formatVkey(name, publicKey)
  const keyId = keyIdOf(name, publicKey)
  return {
    name,
    keyId,
    vkey,
    sign(text) {
      const bytes = Buffer.alloc(ID_BYTES + SIGNATURE_BYTES)
      bytes.writeUInt32BE(keyId)
      bytes.set(sign(null, Buffer.from(text), key), ID_BYTES)
      return `${LINE_START}${name} ${formatBase64(bytes)}\n`
    },
  }
}

/** The vkey of a name and a public key of 32 bytes. */
export function formatVkey(name: string, publicKey: Uint8Array): string {
  if (!NAME.test(name)) throw new RangeError('expected name without blank, control and "+"')
  if (publicKey.length !== KEY_BYTES) {
    throw new RangeError(`expected publicKey of ${KEY_BYTES} bytes, got ${publicKey.length}`)
  }
  const id = keyIdOf(name, publicKey).toString(16).padStart(8, '0')
  return `${name}+${id}+${formatBase64(Uint8Array.of(ED25519, ...publicKey))}`
}

/** Read a vkey; undefined if it is malformed, its id is not that of its key, or it is not Ed25519. */
export function parseVkey(vkey: string): NoteKey | undefined {
  const [, name = '', id = '', encoded = ''] = VKEY.exec(vkey) ?? []
  const material = parseBase64(encoded)
  if (!NAME.test(name) || material?.length !== 1 + KEY_BYTES || material[0] !== ED25519) {
    return undefined
  }
  const publicKey = material.subarray(1)
  const keyId = Number.parseInt(id, 16)
  if (keyId !== keyIdOf(name, publicKey)) return undefined
  const der = Buffer.concat([SPKI_PREFIX, publicKey])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return {
    name,
    keyId,
    vkey,
    verify: (text, signature) =>
      signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), key, signature),
  }
}

/** The note of a text and at least one signer. The text ends in a newline. */
export function signNote(text: string, signers: readonly NoteSigner[]): string {
  if (!isNoteText(text)) {
    throw new RangeError('expected text that ends in a newline and has no other control character')
  }
  if (signers.length < 1 || signers.length > MAX_SIGNATURES) {
    throw new RangeError(`expected 1 to ${MAX_SIGNATURES} signers, got ${signers.length}`)
  }
  return `${text}\n${signers.map((signer) => signer.sign(text)).join('')}`
}

/**
 * Read a note: well-formed UTF-8, no control character below U+0020 but newline, the text up to the
 * last empty line, then 1 to {@link MAX_SIGNATURES} signature lines. Undefined for anything else.
 */
export function parseNote(source: string | Uint8Array): Note | undefined {
  const note = typeof source === 'string' ? source : decodeUtf8(source)
  if (note === undefined || !isNoteText(note)) return undefined
  const split = note.lastIndexOf('\n\n')
  if (split < 0) return undefined
  const lines = note.slice(split + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES) return undefined
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const signature = parseSignature(line)
    if (signature === undefined) return undefined
    signatures.push(signature)
  }
  return { text: note.slice(0, split + 1), signatures }
}

/**
 * Which of `keys` have signed, in the order of `keys`; none if only unknown keys have. Undefined if
 * a signature bears name and id of one of `keys` and is not its own: then nothing of the note may
 * be used.
 */
export function verifyNote(note: Note, keys: readonly NoteKey[]): readonly NoteKey[] | undefined {
  const signers: NoteKey[] = []
  for (const key of keys) {
    const own = note.signatures.filter(
      ({ name, keyId }) => name === key.name && keyId === key.keyId,
    )
    if (!own.every(({ signature }) => key.verify(note.text, signature))) return undefined
    if (own.length > 0) signers.push(key)
  }
  return signers
}

function keyIdOf(name: string, publicKey: Uint8Array): number {
  const hash = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(ED25519))
  return hash.update(publicKey).digest().readUInt32BE()
}

function parseSignature(line: string): NoteSignature | undefined {
  if (!line.startsWith(LINE_START)) return undefined
  const [name = '', encoded = '', ...rest] = line.slice(LINE_START.length).split(' ')
  const bytes = parseBase64(encoded)
  if (!NAME.test(name) || rest.length > 0 || bytes === undefined || bytes.length <= ID_BYTES) {
    return undefined
  }
  const keyId = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  return { name, keyId, signature: bytes.subarray(ID_BYTES) }
}

function isNoteText(text: string): boolean {
  if (!text.endsWith('\n') || /\p{Surrogate}/u.test(text)) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 && code !== 0x0a) return false
  }
  return true
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
