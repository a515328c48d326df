/** The seal header as a row of the store. */
import type { SealHeader } from '@secreg/crypto'
import { SecregError } from '@secreg/protocol'
import type { Op, Row } from '@secreg/storage'
import type { View } from './group-view.ts'
import { SEAL_KEY } from './keys.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function headerOp(header: SealHeader): Op {
  return { type: 'put', key: SEAL_KEY, value: encoder.encode(JSON.stringify(header)) }
}

/** @throws SecregError `ERR_STORAGE_CORRUPT` */
export function decodeHeader(row: Pick<Row, 'value'>): SealHeader {
  try {
    return JSON.parse(decoder.decode(row.value)) as SealHeader
  } catch (cause) {
    throw new SecregError('STORAGE_CORRUPT', 'the seal header cannot be read', { cause })
  }
}

/**
 * The header that a plan changes: the one in the store, not the one in memory.
 *
 * @throws SecregError `ERR_STORAGE_CORRUPT`
 */
export function storedHeader(view: View): SealHeader {
  const row = view.get(SEAL_KEY)
  if (row === undefined) throw new SecregError('STORAGE_CORRUPT', 'the seal header is missing')
  return decodeHeader(row)
}
