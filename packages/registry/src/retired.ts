/** What a path remembers of its earlier lives, so that no version number is ever used twice (DESIGN §4). */
import { NO_NUMBERS, type NumberSet } from './number-set.ts'
import { corrupt } from './record.ts'

export interface Retired {
  /** Latest number ever used, or reserved. */
  readonly latest: number
  /** Numbers up to it that were never used. */
  readonly unused: NumberSet
  /** Entry that was moved away and has these numbers itself. */
  readonly movedId?: string
}

export const NEVER_USED: Retired = Object.freeze({ latest: 0, unused: NO_NUMBERS })

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

interface RetiredRecord {
  l: number
  u?: NumberSet
  i?: string
}

export function encodeRetired({ latest, unused, movedId }: Retired): Uint8Array {
  const record: RetiredRecord = {
    l: latest,
    ...(unused.length === 0 ? {} : { u: unused }),
    ...(movedId === undefined ? {} : { i: movedId }),
  }
  return encoder.encode(JSON.stringify(record))
}

/** @throws SecregError `ERR_STORAGE_CORRUPT` */
export function decodeRetired(bytes: Uint8Array): Retired {
  let record: RetiredRecord
  try {
    record = JSON.parse(decoder.decode(bytes)) as RetiredRecord
  } catch (cause) {
    throw corrupt(cause)
  }
  return {
    latest: record.l,
    unused: record.u ?? NO_NUMBERS,
    ...(record.i === undefined ? {} : { movedId: record.i }),
  }
}
