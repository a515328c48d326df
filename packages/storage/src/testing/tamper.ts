/** What somebody does who can write a store's medium and has no key, for tests of whether it is noticed. */
import { DATA_SPACE } from '../layout.ts'
import { type MemoryEngine, mediumOf } from '../memory-engine.ts'
import { encodeRow } from '../row-format.ts'

/** A copy of a row's stored bytes, tag included; undefined when there is no such row. */
export function takeRow(engine: MemoryEngine, key: string): Uint8Array | undefined {
  return mediumOf(engine).read(key)?.slice()
}

/** Put stored bytes in the place of a row, or remove it, without a commit. */
export function replaceRow(engine: MemoryEngine, key: string, bytes: Uint8Array | undefined): void {
  mediumOf(engine).write(key, bytes)
}

/** Put a value in the place of a row, sound but for the tag that it cannot have, without a commit. */
export function forgeRow(engine: MemoryEngine, key: string, value: Uint8Array): void {
  const { head } = engine
  replaceRow(engine, key, encodeRow(DATA_SPACE + key, key, value, head, head, undefined).bytes)
}
