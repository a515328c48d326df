/** Frames of the remote program, by procedure. */
import { ERROR } from './error-struct.ts'
import {
  FRAME_STATUS,
  FRAME_TYPES,
  type FrameHeader,
  PROGRAM_VERSION,
  REMOTE_PROGRAM,
  writeFrame,
} from './frame.ts'
import type { LibvirtError } from './libvirt-error.ts'
import {
  type ArgsOf,
  MESSAGES,
  type MessageKey,
  type MessageTypes,
  PROCEDURES,
  type Procedure,
  type ProcedureKey,
  type RemoteMessage,
  type ResultOf,
} from './procedures.ts'

/** Write a call. @param serial of 32 bits, unsigned; the reply has it */
export function writeCall<K extends ProcedureKey>(
  key: K,
  args: ArgsOf<K>,
  serial: number,
): Uint8Array {
  const procedure: Procedure<ArgsOf<K>, ResultOf<K>> = PROCEDURES[key]
  return writeFrame(header(procedure.number, FRAME_TYPES.CALL, serial), procedure.args, args)
}

/** Write the reply to a call that was done. */
export function writeReply<K extends ProcedureKey>(
  key: K,
  result: ResultOf<K>,
  serial: number,
): Uint8Array {
  const procedure: Procedure<ArgsOf<K>, ResultOf<K>> = PROCEDURES[key]
  return writeFrame(header(procedure.number, FRAME_TYPES.REPLY, serial), procedure.result, result)
}

/** Write the reply to a call that was not done: program, version, procedure and serial are the call's. */
export function writeError(call: FrameHeader, error: LibvirtError): Uint8Array {
  const { program, version, procedure, serial } = call
  return writeFrame(
    {
      program,
      version,
      procedure,
      type: FRAME_TYPES.REPLY,
      serial,
      status: FRAME_STATUS.ERROR,
    },
    ERROR,
    error,
  )
}

/** Write a message. Its serial is 1, as libvirtd's. */
export function writeMessage<K extends MessageKey>(key: K, body: MessageTypes[K]): Uint8Array {
  const message: RemoteMessage<MessageTypes[K]> = MESSAGES[key]
  return writeFrame(header(message.number, FRAME_TYPES.MESSAGE, 1), message.body, body)
}

function header(procedure: number, type: number, serial: number): FrameHeader {
  return {
    program: REMOTE_PROGRAM,
    version: PROGRAM_VERSION,
    procedure,
    type,
    serial,
    status: FRAME_STATUS.OK,
  }
}
