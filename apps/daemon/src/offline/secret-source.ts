/**
 * What an operator gives to work on a store that no daemon serves: asked on the terminal without echo, or taken from
 * standard input line by line. Never from arguments or the environment.
 */
import type { ReadStream } from 'node:tty'
import {
  type Credential,
  isCryptoError,
  openSeal,
  readShare,
  type SealHeader,
  wipe,
} from '@secreg/crypto'
import { nodeBackend, readKeyFile } from '@secreg/crypto/node'
import type { Config } from '@secreg/host'
import { readAllSecretLines, Terminal } from '@secreg/host/terminal'
import { SecregError } from '@secreg/protocol'
import { configuredCredential } from '../configured-credential.ts'

/** How the operator says what opens the store. */
export interface SecretOptions {
  /** Standard input holds the secrets, one a line, in the order in which they are needed. */
  readonly passwordStdin: boolean
  /** File whose bytes are a key-file protector's. */
  readonly keyFile: string | undefined
  /** Shares instead of a passphrase. */
  readonly share: boolean
}

/** Whether a credential that costs no derivation fits. */
async function opens(seal: SealHeader, credential: Credential): Promise<boolean> {
  try {
    wipe((await openSeal(seal, credential, { backend: nodeBackend })).rootKey)
    return true
  } catch (error) {
    const isOther =
      isCryptoError(error, 'ERR_CRYPTO_WRONG_KEY') ||
      isCryptoError(error, 'ERR_CRYPTO_NO_PROTECTOR')
    if (isOther) return false
    throw error
  }
}

/** Text of a share, whatever its case and spacing. */
const SHARE = /^\s*s\s*r\s*s\s*1/i

export class SecretSource {
  readonly #options: SecretOptions
  /** Read before this process becomes the owner of the store, who may not. */
  readonly #keyFile: Uint8Array | undefined
  #lines: string[] | undefined
  #terminal: Terminal | undefined

  private constructor(options: SecretOptions, keyFile: Uint8Array | undefined) {
    this.#options = options
    this.#keyFile = keyFile
  }

  /** @throws CryptoError `ERR_CRYPTO_KEY_FILE_…` */
  static async open(options: SecretOptions): Promise<SecretSource> {
    const { keyFile } = options
    return new SecretSource(options, keyFile === undefined ? keyFile : await readKeyFile(keyFile))
  }

  /**
   * What opens a seal: the key file that was named, shares, what the configuration names, or a passphrase.
   *
   * @param config - of the daemon whose store it is; its key file or systemd credential opens it without a question
   * @throws CryptoError `ERR_CRYPTO_SHARE`, `ERR_CRYPTO_DAMAGED`; HostError `ERR_HOST_INPUT`; SecregError
   *   `ERR_INVALID_ARGUMENT` where nobody can be asked
   */
  async credential(seal: SealHeader, config?: Config): Promise<Credential> {
    const { share, passwordStdin } = this.#options
    if (this.#keyFile !== undefined) return { kind: 'key-file', bytes: this.#keyFile }
    if (share) return { kind: 'shamir', shares: await this.#shares(seal) }
    if (config !== undefined && !passwordStdin) {
      const configured = await configuredCredential(config).catch(() => undefined)
      if (configured !== undefined) {
        if (await opens(seal, configured)) return configured
        wipe(configured.bytes)
      }
    }
    const passphrase = await this.ask('Passphrase of the registry')
    return { kind: 'passphrase', passphrase }
  }

  /**
   * One secret.
   *
   * @param again - ask a person twice, and refuse two that differ
   */
  async ask(question: string, again = false): Promise<string> {
    if (this.#options.passwordStdin) {
      const line = (await this.#stdin()).shift()
      if (line !== undefined) return line
      throw new SecregError(
        'INVALID_ARGUMENT',
        `a line of standard input is missing: ${question.toLowerCase()}`,
      )
    }
    const terminal = this.#asking()
    const secret = await terminal.ask(`${question}: `, false)
    if (secret === '') throw new SecregError('INVALID_ARGUMENT', 'nothing was typed')
    if (again && (await terminal.ask(`${question} again: `, false)) !== secret) {
      throw new SecregError('INVALID_ARGUMENT', 'the two are not the same')
    }
    return secret
  }

  async #shares({ protectors }: SealHeader): Promise<string[]> {
    if (this.#options.passwordStdin) {
      const lines = await this.#stdin()
      const end = lines.findIndex((line) => !SHARE.test(line))
      return lines.splice(0, end === -1 ? lines.length : end)
    }
    const shares: string[] = []
    const most = Math.max(
      0,
      ...protectors.map((protector) => (protector.kind === 'shamir' ? protector.threshold : 0)),
    )
    for (let need = most; shares.length < need; ) {
      const share = await this.ask(`Share ${shares.length + 1}`)
      need = Math.min(most, readShare(share, nodeBackend).threshold)
      shares.push(share)
    }
    return shares
  }

  async #stdin(): Promise<string[]> {
    this.#lines ??= await readAllSecretLines(process.stdin)
    return this.#lines
  }

  #asking(): Terminal {
    if (process.stdin.isTTY !== true) {
      throw new SecregError(
        'INVALID_ARGUMENT',
        'standard input is not a terminal; give --password-stdin and write the secrets to it',
      )
    }
    this.#terminal ??= new Terminal(process.stdin as ReadStream, process.stderr)
    return this.#terminal
  }
}
