/** Errors of this package: one base class with stable codes, and the configuration error with its list of faults. */

/** Stable codes of {@link HostError}. */
export type HostErrorCode =
  | 'ERR_HOST_BUDGET_BUSY'
  | 'ERR_HOST_BUDGET_EXCEEDED'
  | 'ERR_HOST_CONFIG'
  | 'ERR_HOST_ENVIRONMENT'
  | 'ERR_HOST_GROUP_UNKNOWN'
  | 'ERR_HOST_USER_UNKNOWN'
  | 'ERR_HOST_INPUT'
  | 'ERR_HOST_INPUT_TOO_LARGE'
  | 'ERR_HOST_OUTPUT'
  | 'ERR_HOST_SOCKET_IN_USE'
  | 'ERR_HOST_SOCKET_OCCUPIED'
  | 'ERR_HOST_SOCKET_PATH'

const BRAND = Symbol.for('@secreg/host/HostError')

/** A process could not be set up as asked. `code` is stable within a major version, the message is not. */
export class HostError extends Error {
  override name = 'HostError'
  readonly code: HostErrorCode

  static {
    Object.defineProperty(HostError.prototype, BRAND, { value: true })
  }

  constructor(code: HostErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown): value is HostError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}

/** One mistake in a configuration file. */
export interface ConfigFault {
  /** File as it was named by the caller. */
  readonly file: string
  /** Line, from 1; absent when the fault is the file itself. */
  readonly line?: number
  /** Column, from 1, in UTF-16 units. */
  readonly column?: number
  /** What is wrong and what is expected; never a value of a sensitive key. */
  readonly message: string
}

/** Write a fault as `file:line:column: message`, leaving out what is not known. */
export function formatFault(fault: ConfigFault): string {
  const place = [fault.file, fault.line, fault.column].filter((part) => part !== undefined)
  return `${place.join(':')}: ${fault.message}`
}

/** A configuration file that must not be used, with everything that is wrong with it. */
export class ConfigError extends HostError {
  override name = 'ConfigError'
  readonly faults: readonly ConfigFault[]

  constructor(faults: readonly ConfigFault[], options: { readonly cause?: unknown } = {}) {
    super('ERR_HOST_CONFIG', faults.map(formatFault).join('\n'), options)
    this.faults = faults
  }

  /** Tell a configuration error from any other, also across two installed copies of this package. */
  static override is(value: unknown): value is ConfigError {
    return HostError.is(value) && value.code === 'ERR_HOST_CONFIG'
  }
}
