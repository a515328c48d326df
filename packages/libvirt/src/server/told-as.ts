/** What a client is told of whatever a port throws. */
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import type { FrameHeader } from '../wire/frame.ts'
import { LibvirtError } from '../wire/libvirt-error.ts'
import { writeError } from '../wire/remote-frames.ts'

/** A call that was refused. */
export interface Told {
  /** The frame of the reply. */
  readonly bytes: Uint8Array
  readonly call: {
    /** What the client is told. */
    readonly error: LibvirtError
    /** What it is not told, and led to it. */
    readonly cause?: unknown
  }
}

/** An error of libvirt is told as it is; anything else as a failure, without a word of it. */
export function toldAs(call: FrameHeader, thrown: unknown): Told {
  let cause = thrown
  if (LibvirtError.is(thrown)) {
    try {
      return { bytes: writeError(call, thrown), call: { error: thrown } }
    } catch (error) {
      cause = error
    }
  }
  const error = LIBVIRT_ERRORS.operationFailed('the call could not be served')
  return { bytes: writeError(call, error), call: { error, cause } }
}
