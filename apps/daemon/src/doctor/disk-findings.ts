/** Room on the file systems of store and audit log. */
import { statfs } from 'node:fs/promises'
import type { Config } from '@secreg/host'
import { type Diagnosis, finding } from '@secreg/registry'

const MIB = 1024 * 1024

/** Below these, room is told to be scarce, and then to be too little. */
export const DISK_THRESHOLDS: Readonly<{
  warningShare: number
  warningBytes: number
  faultBytes: number
}> = Object.freeze({
  /** Of the whole file system. */
  warningShare: 0.1,
  warningBytes: 1024 * MIB,
  faultBytes: 256 * MIB,
})

/** Room of a file system for this user. */
export interface Room {
  readonly freeBytes: number
  readonly totalBytes: number
}

export async function diskFindings({ database, audit }: Config): Promise<readonly Diagnosis[]> {
  return [
    await diskFinding('disk of the store', database.path),
    await diskFinding('disk of the log', audit.path),
  ]
}

async function diskFinding(check: string, path: string): Promise<Diagnosis> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return roomFinding(check, { freeBytes: bavail * bsize, totalBytes: blocks * bsize })
  } catch {
    return finding(check, 'warning', 'its room cannot be found out', 'look at it with: df')
  }
}

export function roomFinding(check: string, { freeBytes, totalBytes }: Room): Diagnosis {
  const { warningShare, warningBytes, faultBytes } = DISK_THRESHOLDS
  const message = `${mebibytes(freeBytes)} of ${mebibytes(totalBytes)} free`
  const advice = 'make room, then run: sreg compact'
  if (freeBytes < faultBytes) return finding(check, 'fault', message, advice)
  const isScarce = freeBytes < warningBytes || freeBytes < warningShare * totalBytes
  return isScarce ? finding(check, 'warning', message, advice) : finding(check, 'ok', message)
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`
}
