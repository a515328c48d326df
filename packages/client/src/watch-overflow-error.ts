/** The consumer of a watch was too slow. */
import { SecregError } from '@secreg/protocol'

const BRAND: symbol = Symbol.for('@secreg/client/WatchOverflowError')

/**
 * A watch has ended because its consumer was too slow, for the daemon or for the memory of this process (`ERR_BUSY`).
 * Nothing is lost: watch again since `revision`.
 */
export class WatchOverflowError extends SecregError {
  override name = 'WatchOverflowError'
  /** Everything up to this revision was given to the consumer. */
  readonly revision: number

  constructor(message: string, revision: number) {
    super('BUSY', message)
    this.revision = revision
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static override is(value: unknown): value is WatchOverflowError {
    return typeof value === 'object' && value !== null && BRAND in value
  }
}
