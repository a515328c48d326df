/** From one packet to one packet. */
import {
  isRefusalReason,
  REFUSALS,
  type RefusalKind,
  type RefusalReason,
  SubauthError,
} from '../errors.ts'
import { formatRefusal, formatReply } from '../wire/format-reply.ts'
import { parseJsonObject } from '../wire/json-object.ts'
import { type PacketLimits, packetLimits } from '../wire/limits.ts'
import { commandIn, requestIn } from '../wire/parse-request.ts'
import type { SubauthCommand } from '../wire/request.ts'
import { perform } from './perform.ts'
import type { SubauthPort } from './port.ts'

/** One packet, as a SEQPACKET socket of `@secreg/unix-socket` gives it. */
export interface ReceivedLike {
  readonly data: Uint8Array
  /** It was longer than the buffer, so that `data` is a part of it. */
  readonly truncated?: boolean
}

/** What is to be sent, and what became of the request. */
export interface SubauthAnswer {
  /** A JSON object that has `error`. */
  readonly reply: Uint8Array
  /** The connection is to be closed behind the reply. */
  readonly close: boolean
  /** Canonical name of the command, where it has one. */
  readonly cmd?: SubauthCommand
  readonly outcome: 'ok' | RefusalKind
  /** Of a refusal. */
  readonly reason?: RefusalReason
  /** What was thrown that is no `SubauthError`, for the log of the server; never sent. */
  readonly fault?: unknown
}

/** Reasons for which nothing that follows on the connection is looked at. */
const CLOSING: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'MALFORMED',
  'TOO_LONG',
  'CREDENTIALS_CONFLICT',
])

/**
 * Serve one packet. Never fails.
 *
 * @param packet - its data is read before this returns, and not kept
 * @param port - of the caller; or what gives it, called only for a request that needs one: `nop` does not
 * @throws TypeError, RangeError for wrong limits
 */
export function answerPacket(
  packet: ReceivedLike,
  port: SubauthPort | (() => SubauthPort | Promise<SubauthPort>),
  limits: PacketLimits = {},
): Promise<SubauthAnswer> {
  return answer(packet, typeof port === 'function' ? port : () => port, packetLimits(limits))
}

/** As `answerPacket`, with limits that were checked. */
export async function answer(
  packet: ReceivedLike,
  portOf: () => SubauthPort | Promise<SubauthPort>,
  limits: Required<PacketLimits>,
): Promise<SubauthAnswer> {
  let cmd: SubauthCommand | undefined
  try {
    if (packet.truncated === true || packet.data.length > limits.maxRequestBytes) {
      throw new SubauthError('TOO_LONG')
    }
    const object = parseJsonObject(packet.data)
    cmd = commandIn(object)
    const request = requestIn(object, cmd)
    const reply = formatReply(request.cmd === 'nop' ? {} : await perform(request, await portOf()))
    if (reply.length > limits.maxReplyBytes) throw new SubauthError('REPLY_TOO_LONG')
    return { reply, close: false, cmd, outcome: 'ok' }
  } catch (error) {
    return refuse(error, cmd)
  }
}

/** What is told of whatever was thrown. */
export function refuse(error: unknown, cmd?: SubauthCommand): SubauthAnswer {
  const known = SubauthError.is(error) && isRefusalReason(error.reason)
  const reason = known ? (error.reason as RefusalReason) : 'INTERNAL'
  return {
    reply: formatRefusal(reason),
    close: CLOSING.has(reason),
    ...(cmd === undefined ? {} : { cmd }),
    outcome: REFUSALS[reason].kind,
    reason,
    ...(known && error.reason !== 'INTERNAL' ? {} : { fault: error }),
  }
}
