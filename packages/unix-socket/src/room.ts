/** Memory that packets are received into, shared by all sockets: each packet is copied out before the next is received. */
import { INFO } from './native.ts'

export interface Room {
  readonly bytes: Buffer
  readonly info: Uint32Array
}

const info = new Uint32Array(INFO.length)
let bytes = Buffer.alloc(0)

/** @returns Room for so many bytes; valid until the next call. */
export function takeRoom(size: number): Room {
  if (bytes.length < size) bytes = Buffer.alloc(size)
  return { bytes: bytes.length === size ? bytes : bytes.subarray(0, size), info }
}
