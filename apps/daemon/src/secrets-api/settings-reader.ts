/** What the settings of the Secrets API are read with: the file under the variables, and every fault at its source. */
import {
  CONFIG_KEYS,
  type ConfigFault,
  type ConfigSecrets,
  type LoadedConfig,
  withConfigTexts,
} from '@secreg/host'
import { readCertificateFile, readPasswordFile, SinkFileError } from '../sinks/secret-file.ts'
import {
  KEYS_OF_VARIABLES,
  type KeyVariable,
  type SecretsVariable,
  type SecretsVariables,
} from './settings-variables.ts'

/** What nothing but development may be without. */
export const OUTSIDE_DEVELOPMENT =
  'outside of development: ENVIRONMENT, or secrets.environment, is neither dev nor test'

/** Largest token that a file or a variable may hold: that of a server of KV version 2, or a JSON Web Token. */
const SECRET_BYTES = 16 * 1024
const TOKEN = /^[!-~]{1,8192}$/
const TEXT = /^\P{Cc}{1,1024}$/u

/** Reads settings, and goes on after a fault so that all are told. */
export class SettingsReader {
  readonly secrets: ConfigSecrets
  readonly variables: SecretsVariables
  readonly isDevelopment: boolean
  readonly #loaded: LoadedConfig
  readonly #faults = new Map<string, ConfigFault>()
  /** Keys that a variable has given no value. */
  readonly #wrong = new Set<string>()
  /** The variables that keys have their values from. */
  readonly #sources = new Map<string, SecretsVariable>()

  constructor(loaded: LoadedConfig, variables: SecretsVariables) {
    this.#loaded = loaded
    this.variables = variables
    const texts = new Map<string, string>()
    const put = (key: string, variable: SecretsVariable, text: string): void => {
      texts.set(key, text)
      this.#sources.set(key, variable)
    }
    for (const [variable, keys] of Object.entries(KEYS_OF_VARIABLES)) {
      const text = variables.get(variable as KeyVariable)
      for (const key of keys) {
        if (text === undefined || (text === '' && TEXTS.has(key))) continue
        put(key, variable as KeyVariable, text)
      }
    }
    const shared = this.text('VAULT_URL')
    for (const name of ['openbao', 'hashicorp'] as const) {
      const key = `secrets.${name}.url`
      if (shared === undefined || texts.has(key)) continue
      if (loaded.config.secrets[name].url === undefined) put(key, 'VAULT_URL', shared)
    }
    const { config, wrong } = withConfigTexts(loaded.config, texts)
    this.secrets = config.secrets
    const { environment } = this.secrets
    this.isDevelopment = environment === 'dev' || environment === 'test'
    for (const { key, expected } of wrong) {
      this.fault(key, `expected ${expected}`)
      this.#wrong.add(key)
    }
  }

  /** Everything that is wrong. */
  get faults(): readonly ConfigFault[] {
    return [...this.#faults.values()]
  }

  /** The name that a value of a key goes by, where it was given. */
  nameOf(key: string | readonly string[]): string {
    const dotted = typeof key === 'string' ? key : key.join('.')
    return this.#sources.get(dotted) ?? dotted
  }

  /** @param message - without any value in it; `NAME: ` is put before it */
  fault(key: string | readonly string[], message: string): void {
    const variable = this.#sources.get(typeof key === 'string' ? key : key.join('.'))
    if (variable !== undefined) {
      this.faultOf([variable], message)
      return
    }
    const text = `${this.nameOf(key)}: ${message}`
    this.#faults.set(text, this.#loaded.fault(key, text))
  }

  /** A fault of variables, or of what could have been given by one of several names. */
  faultOf(names: readonly string[], message: string): void {
    const text = `${names.join(', ')}: ${message}`
    this.#faults.set(text, { file: 'environment', message: text })
  }

  /** Outside of development, refuse; of a key that has no value, that has been told. */
  refuse(isWrong: boolean, key: string | readonly string[], expected: string): void {
    if (isWrong && !this.isDevelopment && !this.#wrong.has(String(key))) {
      this.fault(key, `expected ${expected} ${OUTSIDE_DEVELOPMENT}`)
    }
  }

  /** A server that is not asked over TLS. */
  refusePlain(url: string | undefined, key: string | readonly string[]): void {
    this.refuse(url !== undefined && !/^https:/i.test(url), key, 'https:')
  }

  /** Text of a variable; undefined where it is not set, or empty. */
  text(variable: SecretsVariable): string | undefined {
    return this.variables.get(variable) || undefined
  }

  /** Something that is sent as one word. */
  tokenOf(variable: SecretsVariable): string | undefined {
    return this.#checked(variable, TOKEN, 'printable characters without spaces, at most 8192')
  }

  /** Something that is sent in a body. */
  secretOf(variable: SecretsVariable): string | undefined {
    return this.#checked(variable, TEXT, '1 to 1024 characters, none of them a control character')
  }

  #checked(variable: SecretsVariable, rule: RegExp, expected: string): string | undefined {
    const text = this.text(variable)
    if (text === undefined || rule.test(text)) return text
    this.faultOf([variable], `expected ${expected}`)
    return undefined
  }

  /** What is in a file of this user alone, if it is named. */
  async secretIn(path: string | undefined, key: string): Promise<string | undefined> {
    return this.#read(path, key, (file) => readPasswordFile(file, SECRET_BYTES))
  }

  /** The same of what is sent as one word. */
  async tokenIn(path: string | undefined, key: string): Promise<string | undefined> {
    const token = await this.secretIn(path, key)
    if (token === undefined || TOKEN.test(token)) return token
    this.fault(key, 'the file is not one line of printable characters without spaces')
    return undefined
  }

  /** Certificates, PEM. */
  async certificatesIn(
    path: string | undefined,
    key: string | readonly string[],
  ): Promise<string | undefined> {
    return this.#read(path, key, readCertificateFile)
  }

  async #read(
    path: string | undefined,
    key: string | readonly string[],
    read: (path: string) => Promise<string>,
  ): Promise<string | undefined> {
    if (path === undefined) return undefined
    try {
      return await read(path)
    } catch (error) {
      if (!(error instanceof SinkFileError)) throw error
      this.fault(key, `the file ${error.what}`)
      return undefined
    }
  }
}

/** Keys of which an empty text is none: of a list it is no items, of a number or a switch a fault. */
const TEXTS: ReadonlySet<string> = new Set(
  CONFIG_KEYS.filter(({ type }) => type === 'string').map(({ name }) => name),
)
