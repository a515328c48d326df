/** Where a store keeps its values for a start without the source. */
import { isBytes } from './source.ts'

/** Bytes that outlive the store. Reads and writes come one after the other. */
export interface SecretCache {
  /** What was written last, a copy that the caller wipes; `undefined` when there is nothing. */
  read(): Promise<Uint8Array | undefined>
  /** Replace what is there, all or nothing. The bytes are the caller's again when the promise is settled. */
  write(bytes: Uint8Array): Promise<void>
}

/** A cache in memory, for tests. */
export function memoryCache(initial?: Uint8Array): SecretCache {
  if (initial !== undefined && !isBytes(initial)) {
    throw new TypeError('initial: expected a Uint8Array')
  }
  let held = initial?.slice()
  return {
    read: async () => held?.slice(),
    write: async (bytes) => {
      held = bytes.slice()
    },
  }
}
