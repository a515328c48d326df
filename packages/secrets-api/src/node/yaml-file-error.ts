/** What is wrong with the file of a YAML provider: the cause of its errors, for whoever runs it. */

/** See {@link YAML_FILE_FAULTS}. */
export type YamlFileFault =
  | 'UNREADABLE'
  | 'UNWRITABLE'
  | 'UNSAFE'
  | 'DIRECTORY_UNSAFE'
  | 'TOO_LARGE'
  | 'NOT_UTF8'
  | 'SYNTAX'
  | 'FORBIDDEN'
  | 'DUPLICATE_KEY'
  | 'VALUE'
  | 'NOT_A_MAP'
  | 'LOCKED'

/** Every fault with its text. */
export const YAML_FILE_FAULTS: Readonly<Record<YamlFileFault, string>> = Object.freeze({
  UNREADABLE: 'it cannot be read',
  UNWRITABLE: 'it cannot be written',
  UNSAFE: 'it must be a regular file of this user, with mode 0600 or less, and no link',
  DIRECTORY_UNSAFE: 'its directory must be one that no other user can write to',
  TOO_LARGE: 'it must not be larger than 1 MiB',
  NOT_UTF8: 'it must be UTF-8',
  SYNTAX: 'it is not YAML 1.2',
  FORBIDDEN: 'it must be one document without tags, anchors, aliases, merge keys and directives',
  DUPLICATE_KEY: 'a key is given twice',
  VALUE: 'a value is none of JSON: it is infinite, above 2^53, or half of a surrogate pair',
  NOT_A_MAP: 'it must be a map of mounts',
  LOCKED: 'another process holds its lock; if there is none, remove the lock',
})

/** The file of a YAML provider is not used. Its message never quotes the file. */
export class YamlFileError extends Error {
  override readonly name: string = 'YamlFileError'
  readonly code: `ERR_YAML_FILE_${YamlFileFault}`
  readonly path: string
  /** From 1; undefined where the fault has no place. */
  readonly line: number | undefined

  constructor(
    fault: YamlFileFault,
    path: string,
    options: { cause?: unknown; line?: number } = {},
  ) {
    const place = options.line === undefined ? path : `${path}:${options.line}`
    super(
      `${place}: ${YAML_FILE_FAULTS[fault]}`,
      'cause' in options ? { cause: options.cause } : undefined,
    )
    this.code = `ERR_YAML_FILE_${fault}`
    this.path = path
    this.line = options.line
  }
}
