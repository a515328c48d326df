import type { Deliver } from '../runner.ts'
import { createSyslogFormatter, type SyslogFormatOptions } from './format.ts'
import type { SyslogTransport } from './transport.ts'

/** Default of `maxBytes` over UDP: what a receiver should take at least (RFC 5424 §6.1). */
export const UDP_MESSAGE_BYTES = 2048
/** Default of `maxBytes` over TCP and TLS: what a receiver should take at least (RFC 5425 §4.3.1). */
export const STREAM_MESSAGE_BYTES = 8192

/** Deliver records as messages of RFC 5424 through a transport, which stays the caller's to close. */
export function deliverSyslog(transport: SyslogTransport, options: SyslogFormatOptions): Deliver {
  const format = createSyslogFormatter(options)
  return (records, signal) => transport.send(records.map(format), signal)
}
