/**
 * Messages of RFC 5424:
 *
 * ```
 * <PRI>1 TIME HOST secreg PID MSGID [meta sequenceId="…"][origin software="secreg"] BOM LINE
 * ```
 *
 * LINE is the line of the log, so that what a receiver keeps can be proven later with an inclusion
 * proof; see messageText for a line that is too long.
 *
 * Structured data: an SD-ID without "@" must be registered with IANA, and one with it must carry the
 * private enterprise number (PEN) of who defines it (§6.3.2, §7.2.2). This software has no PEN.
 * 32473 is for documentation only (RFC 5612), and 0 is reserved (RFC 9371), so neither may go over
 * a wire. Hence the registered `meta` and `origin` (§7.3, §7.2) are always there, and
 * `secreg@PEN` with the parameters only where the operator gives a PEN of his own, under which he
 * may define it. Nothing is lost without: the line says it all, and its leaf hash is computed.
 */
import { hostname as systemHostname } from 'node:os'
import type { ForwardRecord } from '../source.ts'
import { DESCRIBE_NOTHING, type DescribeRecord, describeSafely } from './describe.ts'
import { CUT_TEXT_BYTES, fitParams, leafOf, messageText, timeText } from './message-text.ts'

export interface SyslogFormatOptions {
  /** Bytes of one message: at least 1024, over UDP at most 65,507. */
  readonly maxBytes: number
  /** 0 to 23, RFC 5424 §6.2.1; default 10, which local daemons keep from ordinary users. */
  readonly facility?: number
  /** Default: the name of this machine. */
  readonly hostname?: string
  /** Default: the id of this process. */
  readonly processId?: string
  /** Private enterprise number of the operator; without it there is no `secreg@…`. */
  readonly enterprise?: number
  readonly describe?: DescribeRecord
}

/** The bytes of one message, without framing. */
export type SyslogFormatter = (record: ForwardRecord) => Buffer

/** Smallest limit: header, structured data and a cut text always fit. */
export const MIN_MESSAGE_BYTES = 1024
/** No header with fixed structured data takes more. */
const FIXED_BYTES = 560
const MAX_ENTERPRISE = 4_294_967_295
const DOCUMENTATION_ENTERPRISE = 32_473
/** RFC 5424 §7.3.1: after this `sequenceId` is 1 again. */
const MAX_SEQUENCE_ID = 2_147_483_647
const BOM = '\ufeff'
const SECREG = 'secreg'

/** @throws RangeError for options out of range. */
export function createSyslogFormatter(options: SyslogFormatOptions): SyslogFormatter {
  const { maxBytes, enterprise, describe = DESCRIBE_NOTHING } = options
  assertMessageBytes(maxBytes)
  const facility = checkFacility(options.facility)
  if (enterprise !== undefined) assertEnterprise(enterprise)
  const host = headerField(options.hostname ?? systemHostname(), 255)
  const processId = headerField(options.processId ?? String(process.pid), 32)
  const paramBytes = Math.floor((maxBytes - FIXED_BYTES - CUT_TEXT_BYTES) / 2)
  return (record) => {
    const { severity, msgid, params } = describeSafely(describe, record)
    const leaf = leafOf(record)
    const time = timeText(record.timeMs) ?? '-'
    const sequenceId = ((record.sequence - 1) % MAX_SEQUENCE_ID) + 1
    let head = `<${facility * 8 + severity}>1 ${time} ${host} ${SECREG} ${processId} `
    head += `${headerField(msgid, 32)} [meta sequenceId="${sequenceId}"][origin software="${SECREG}"]`
    if (enterprise !== undefined) {
      head += `[${SECREG}@${enterprise} seq="${record.sequence}" leaf="${leaf}"`
      head += `${paramText(params, paramBytes)}]`
    }
    head += ` ${BOM}`
    const room = maxBytes - Buffer.byteLength(head)
    return Buffer.from(head + messageText(record, leaf, params, room, paramBytes))
  }
}

/** @throws RangeError unless it is a limit for one message. */
export function assertMessageBytes(maxBytes: number): void {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < MIN_MESSAGE_BYTES) {
    throw new RangeError(`maxBytes must be an integer of at least ${MIN_MESSAGE_BYTES}`)
  }
}

/** A facility, or the default. @throws RangeError */
export function checkFacility(facility: number = 10): number {
  if (Number.isInteger(facility) && facility >= 0 && facility <= 23) return facility
  throw new RangeError('facility must be an integer from 0 to 23')
}

function assertEnterprise(enterprise: number): void {
  if (!Number.isInteger(enterprise) || enterprise < 1 || enterprise > MAX_ENTERPRISE) {
    throw new RangeError(`enterprise must be an integer from 1 to ${MAX_ENTERPRISE}`)
  }
  if (enterprise === DOCUMENTATION_ENTERPRISE) {
    throw new RangeError('enterprise 32473 is for documentation only (RFC 5612)')
  }
}

/** PRINTUSASCII (§6.2.4 to §6.2.7), others as `_`; NILVALUE for nothing. */
function headerField(text: string, maxLength: number): string {
  return text.replace(/[^!-~]/gu, '_').slice(0, maxLength) || '-'
}

function paramText(params: Readonly<Record<string, string>>, maxBytes: number): string {
  const textOf = (name: string, value: string): string => {
    return ` ${paramName(name)}="${value.replace(/["\\\]]/g, '\\$&')}"`
  }
  const own = Object.fromEntries(
    Object.entries(params).filter(([name]) => name !== 'seq' && name !== 'leaf'),
  )
  return fitParams(own, maxBytes, (name, value) => Buffer.byteLength(textOf(name, value)))
    .map(([name, value]) => textOf(name, value))
    .join('')
}

/** SD-NAME (§6.3.3): 1 to 32 of PRINTUSASCII without `=`, `]` and `"`. */
function paramName(name: string): string {
  return name.replace(/[^!-~]|[="\]]/gu, '_').slice(0, 32) || '_'
}
