export {
  assertSinkName,
  createCursorFiles,
  type LoadedCursor,
  type SinkCursors,
} from './cursor-file.ts'
export { SinkError, type SinkErrorCode, sinkErrorCode } from './errors.ts'
export {
  type Deliver,
  type SinkEvent,
  SinkRunner,
  type SinkRunnerOptions,
  type SinkStatus,
} from './runner.ts'
export {
  type ForwardBatch,
  type ForwardRecord,
  type RecordSource,
  START_CURSOR,
} from './source.ts'
export type { DescribeRecord, SyslogDescription } from './syslog/describe.ts'
export {
  createSyslogFormatter,
  MIN_MESSAGE_BYTES,
  type SyslogFormatOptions,
  type SyslogFormatter,
} from './syslog/format.ts'
export { deliverLogger, type LoggerOptions } from './syslog/logger.ts'
export {
  createStreamTransport,
  type StreamTransportOptions,
  type SyslogTlsOptions,
} from './syslog/stream.ts'
export { deliverSyslog, STREAM_MESSAGE_BYTES, UDP_MESSAGE_BYTES } from './syslog/syslog.ts'
export type { SyslogTransport } from './syslog/transport.ts'
export { createUdpTransport, type UdpTransportOptions } from './syslog/udp.ts'
export { restoreLine } from './syslog/visible.ts'
