/** Delivery of records of the audit log to syslog, as the configuration says. */
import {
  createStreamTransport,
  createUdpTransport,
  type Deliver,
  deliverLogger,
  deliverSyslog,
  STREAM_MESSAGE_BYTES,
  type SyslogTransport,
  UDP_MESSAGE_BYTES,
} from '@secreg/audit/sinks'
import type { Config, SyslogFacility } from '@secreg/host'
import { describeRecord } from './describe-record.ts'
import { readCertificateFile } from './secret-file.ts'

/** Numbers of the facilities (RFC 5424 §6.2.1). */
const FACILITIES: Readonly<Record<SyslogFacility, number>> = Object.freeze({
  auth: 4,
  authpriv: 10,
  daemon: 3,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
})

export interface SyslogSink {
  readonly deliver: Deliver
  close(): void
}

/**
 * @param target - `local`, or `udp://`, `tcp://` or `tls://` with host and port
 */
export function createSyslogSink(
  target: string,
  { audit: { syslogFacility, syslogCaFile } }: Pick<Config, 'audit'>,
): SyslogSink {
  const facility = FACILITIES[syslogFacility]
  const describe = describeRecord
  if (target === 'local') {
    return { deliver: deliverLogger({ facility, describe }), close: () => {} }
  }
  const { scheme, host, port } = parseTarget(target)
  let transport: SyslogTransport | undefined
  const deliver: Deliver = async (records, signal) => {
    transport ??= await connect()
    const maxBytes = scheme === 'udp' ? UDP_MESSAGE_BYTES : STREAM_MESSAGE_BYTES
    await deliverSyslog(transport, { maxBytes, facility, describe })(records, signal)
  }
  const connect = async (): Promise<SyslogTransport> => {
    if (scheme === 'udp') return createUdpTransport({ host, port })
    if (scheme === 'tcp') return createStreamTransport({ host, port })
    const ca = syslogCaFile === undefined ? undefined : await readCertificateFile(syslogCaFile)
    return createStreamTransport({ host, port, tls: ca === undefined ? {} : { ca } })
  }
  return { deliver, close: () => transport?.close() }
}

function parseTarget(target: string): { scheme: string; host: string; port: number } {
  const [, scheme = '', name = '', port = ''] = /^(\w+):\/\/(.+):(\d+)$/.exec(target) ?? []
  return { scheme, host: name.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}
