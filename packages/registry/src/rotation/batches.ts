/** Pieces of work put together so that each plan is small and each commit worth its sync. */
import type { StaleEntry } from './stale.ts'

/** Versions and bytes of one plan. */
const VERSIONS = 24
const BYTES = 512 * 1024

/** @returns the pieces in order, in groups that one plan takes each */
export function batchesOf(pieces: readonly StaleEntry[]): StaleEntry[][] {
  const batches: StaleEntry[][] = []
  let batch: StaleEntry[] = []
  let versions = 0
  let bytes = 0
  for (const piece of pieces) {
    const { numbers } = piece
    if (batch.length > 0 && (versions + numbers.length > VERSIONS || bytes + piece.bytes > BYTES)) {
      batches.push(batch)
      batch = []
      versions = 0
      bytes = 0
    }
    batch.push(piece)
    versions += numbers.length
    bytes += piece.bytes
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
