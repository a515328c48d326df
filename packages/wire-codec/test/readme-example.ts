import { decodePayload, encodeFrame, encodePayload, FrameReader } from '@secreg/wire-codec'

// One side writes a request …
const bytes = encodeFrame('length', {
  type: 0x03,
  timestampMs: 1_700_000_000_000,
  payload: encodePayload({ key: '/system/kernel/hostname', decrypt: true }),
})

// … the other reads it, in whatever pieces the stream gives.
const reader = new FrameReader()
export const requests: { type: number; message: Record<string, unknown> }[] = []
for (const chunk of [bytes.subarray(0, 3), bytes.subarray(3)]) {
  reader.push(chunk)
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    requests.push({ type: frame.type, message: decodePayload(frame.payload) })
  }
}

// Answers go out in the form of the first request.
export const answer = encodeFrame(reader.framing ?? 'length', {
  type: 0x04,
  timestampMs: 1_700_000_000_001,
  payload: encodePayload({ value: 'myhost', type: 'string', encrypted: false }),
})
