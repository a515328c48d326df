/** Room on the file systems of store and audit log. */
import { statfs } from 'node:fs/promises'
import type { Config } from '@secreg/host'
import { type Diagnosis, finding } from '@secreg/registry'
import { levelOf } from '../disk-space.ts'

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
    await diskFinding('disk of the log', audit.path, audit),
  ]
}

async function diskFinding(
  check: string,
  path: string,
  audit?: Config['audit'],
): Promise<Diagnosis> {
  try {
    const { bavail, blocks, bsize } = await statfs(path)
    return roomFinding(check, { freeBytes: bavail * bsize, totalBytes: blocks * bsize }, audit)
  } catch {
    return finding(check, 'warning', 'its room cannot be found out', 'look at it with: df')
  }
}

/** @param audit - of the disk of the log: below these thresholds work is refused */
export function roomFinding(
  check: string,
  { freeBytes, totalBytes }: Room,
  audit?: Config['audit'],
): Diagnosis {
  const { warningShare, warningBytes, faultBytes } = DISK_THRESHOLDS
  const message = `${mebibytes(freeBytes)} of ${mebibytes(totalBytes)} free`
  const advice = 'make room, then run: sreg compact'
  const level = audit === undefined ? 'ok' : levelOf(freeBytes, audit)
  if (level === 'low' || level === 'least') {
    const refused = level === 'low' ? 'logins are' : 'every operation is'
    return finding(check, 'fault', `${message}: ${refused} refused`, advice)
  }
  if (freeBytes < faultBytes) return finding(check, 'fault', message, advice)
  const isScarce =
    level === 'warning' || freeBytes < warningBytes || freeBytes < warningShare * totalBytes
  return isScarce ? finding(check, 'warning', message, advice) : finding(check, 'ok', message)
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / MIB)} MiB`
}
