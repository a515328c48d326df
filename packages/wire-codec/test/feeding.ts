import { type Frame, FrameReader, type FrameReaderOptions } from '@secreg/wire-codec'

/** A frame whose payload is a copy, so that it outlives the next push. */
export interface KeptFrame extends Omit<Frame, 'payload'> {
  readonly payload: Uint8Array
}

/** Take every frame that is ready. */
export function drain(reader: FrameReader): KeptFrame[] {
  const frames: KeptFrame[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    frames.push({ ...frame, payload: new Uint8Array(frame.payload) })
  }
  return frames
}

/**
 * Push chunks as a socket does that reads into the same memory again and again: once a chunk is drained, its bytes
 * are overwritten.
 */
export function feed(chunks: Iterable<Uint8Array>, options?: FrameReaderOptions): KeptFrame[] {
  const reader = new FrameReader({ maxFrameBytes: 0xffffff, ...options })
  const frames: KeptFrame[] = []
  for (const bytes of chunks) {
    const chunk = new Uint8Array(bytes)
    reader.push(chunk)
    frames.push(...drain(reader))
    chunk.fill(0xee)
  }
  return frames
}

/** The bytes in chunks of a size. */
export function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** Several byte strings in one. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Frames as one text, which compares much faster than bytes. */
export function show(frames: KeptFrame[]): string {
  return frames
    .map(({ payload, ...head }) => JSON.stringify(head) + Buffer.from(payload).toString('latin1'))
    .join('\n')
}
