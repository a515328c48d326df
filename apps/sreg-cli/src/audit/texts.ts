/** Notes, proofs and keys as files: read with a bound, as text that has the form of none yet. */
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { readAll } from '../io.ts'
import { readFile } from '../value-source.ts'

/** Longest checkpoint, proof or file of keys, bytes: a few lines and signatures. */
const NOTE_BYTES = 16_384
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the files of one command, of which one may be standard input. */
export class Texts {
  readonly #context: Context
  #input: string | undefined

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * Read bytes.
   *
   * @param path - `-` for standard input
   * @throws CliError when it cannot be read, is too large, or standard input is read already
   */
  async bytes(path: string, limit: number): Promise<Uint8Array> {
    if (path !== '-') return readFile(path, limit)
    if (this.#input !== undefined) {
      throw new CliError('INVALID_ARGUMENT', 'standard input can only be read once')
    }
    this.#input = path
    return readAll(this.#context.io.stdin, limit)
  }

  /**
   * Read a note or a proof.
   *
   * @throws CliError as {@link bytes}, `INVALID_ARGUMENT` when it is no UTF-8 text
   */
  async text(path: string): Promise<string> {
    const bytes = await this.bytes(path, NOTE_BYTES)
    try {
      return UTF8.decode(bytes)
    } catch (cause) {
      throw new CliError('INVALID_ARGUMENT', `${path} is not UTF-8 text`, undefined, { cause })
    }
  }

  /**
   * The keys of `--key` and `--key-file`, checked for their form.
   *
   * @returns vkeys; none where none are given
   * @throws CliError `INVALID_ARGUMENT`
   */
  async keys(): Promise<readonly string[]> {
    const vkeys = [...this.#context.texts('key')]
    for (const path of this.#context.texts('key-file')) {
      const lines = (await this.text(path)).split('\n').map((line) => line.trim())
      const given = lines.filter((line) => line !== '')
      if (given.length === 0) throw new CliError('INVALID_ARGUMENT', `${path} holds no key`)
      vkeys.push(...given)
    }
    if (vkeys.length === 0) return []
    const { parseVkey } = await import('@secreg/audit/verify')
    const names = new Set(vkeys.map((vkey) => parseVkey(vkey)?.name))
    if (names.has(undefined)) {
      throw new CliError(
        'INVALID_ARGUMENT',
        'a key is not one of an audit log',
        '"sreg audit keys" tells them: NAME+HASH+BASE64',
      )
    }
    if (names.size > 1) throw new CliError('INVALID_ARGUMENT', 'the keys are of several logs')
    return vkeys
  }
}
