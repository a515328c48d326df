/** Where secrets come from: the registry, setec, a file, a test. */
import { StoreError } from './errors.ts'

/** A value with its version. */
export interface SecretValue {
  /** The store copies it. */
  readonly value: Uint8Array
  /** Number from 0 to 2^53-1. Only its equality means something: a rollback to a lower number is a change too. */
  readonly version: number
}

/** Options of one request to a source. */
export interface SourceOptions {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/**
 * Tells that the named secrets may have changed, or with no names that any of them may have. The store then asks, so
 * telling too often is harmless and telling too seldom is not.
 */
export type OnChange = (names?: readonly string[]) => void

/**
 * A source of secrets. Names are opaque text. A failure is a rejection, whose message must not hold a value.
 */
export interface SecretSource {
  /** The active value. */
  get(name: string, options: SourceOptions): Promise<SecretValue>
  /** The active value, or `undefined` while the active version is the given one. */
  getIfChanged(
    name: string,
    version: number,
    options: SourceOptions,
  ): Promise<SecretValue | undefined>
  /**
   * Watch these names until the signal is aborted. Calls `onChange()` once as soon as the watching stands, since what
   * changed before is not told otherwise, and again whenever something may have been missed. Resolves or rejects when
   * the watching has ended; the store goes on polling and calls again later.
   */
  watch?(names: readonly string[], onChange: OnChange, options: SourceOptions): Promise<void>
  /** What it answers never changes: one failure at the start is final, and nothing is polled or watched. */
  readonly fixed?: boolean
}

/** Whether it is a Uint8Array, also one of another realm. */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]')
  )
}

/** Check what a source answered. */
export function checkAnswer(answer: SecretValue, name: string): SecretValue {
  const { value, version } = (answer ?? {}) as Partial<SecretValue>
  if (
    !isBytes(value) ||
    typeof version !== 'number' ||
    !Number.isSafeInteger(version) ||
    version < 0
  ) {
    throw new StoreError(
      'ERR_STORE_ANSWER',
      `the source's answer for ${JSON.stringify(name)} is not a value with a version`,
      { names: [name] },
    )
  }
  return answer
}
