/** @secreg/libvirt: what libvirt's secrets are and how they are told, for both halves. */

export {
  LibvirtConnectionError,
  type LibvirtConnectionErrorCode,
  type LibvirtConnectionReason,
} from './client/connection-error.ts'
export type { NewSecret } from './client/define-xml.ts'
export {
  type CloseReason,
  ConnectCloseReason,
  ConnectFlags,
  ListAllSecretsFlags,
  SecretDefineFlags,
  SecretEventId,
  SecretEventLifecycleType,
  SecretUsageType,
} from './client/enums.ts'
export type { SecretEventStream } from './client/event-stream.ts'
export type { KeepaliveOptions } from './client/keepalive-timer.ts'
export { type OpenRegistryOptions, openSecretRegistry } from './client/open-secret-registry.ts'
export {
  NoSecretError,
  NoValueError,
  PrivateSecretError,
  SecretError,
  type SecretErrorReason,
} from './client/refusal.ts'
export type { ConnectionEnd } from './client/rpc-connection.ts'
export type { Secret, ToldUsage } from './client/secret.ts'
export type {
  SecretEvent,
  SecretEventOf,
  SecretLifecycleEvent,
  SecretValueChangedEvent,
} from './client/secret-events.ts'
export type {
  EventOptions,
  SecretFilter,
  SecretRegistry,
  Subscription,
} from './client/secret-registry.ts'
export type { ClientStream } from './client/stream.ts'
export { parseSecretFile } from './secret/parse-secret-file.ts'
export { SecretFileError, type SecretFileErrorCode } from './secret/secret-file-error.ts'
export {
  type SecretDefinition,
  type SecretDraft,
  type SecretUsage,
  USAGE_NUMBERS,
  type UsageType,
} from './secret/types.ts'
export { isUuid, parseUuid, UUID_BYTES, uuidBytes, uuidOf } from './secret/uuid.ts'
export {
  LEVEL_ERROR,
  LIBVIRT_CODES,
  LIBVIRT_DOMAINS,
  type LibvirtCodeName,
  type LibvirtDomainName,
} from './wire/error-codes.ts'
export { ERROR, ERROR_STRUCT, type ErrorStruct } from './wire/error-struct.ts'
export {
  type FlaggedFunction,
  type IdentifiedUsage,
  LIBVIRT_ERRORS,
  type LibvirtErrors,
  type WritingFunction,
} from './wire/errors.ts'
export {
  FRAME_STATUS,
  FRAME_TYPES,
  type Frame,
  type FrameHeader,
  type FrameStatusName,
  type FrameTypeName,
  PROGRAM_VERSION,
  REMOTE_PROGRAM,
  readBody,
  writeFrame,
} from './wire/frame.ts'
export { FrameReader } from './wire/frame-reader.ts'
export {
  KEEPALIVE_PROGRAM,
  type KeepaliveProcedure,
  keepaliveOf,
  writeKeepalive,
} from './wire/keepalive.ts'
export { LibvirtError, type LibvirtErrorFields } from './wire/libvirt-error.ts'
export { LIBVIRT_LIMITS, type LibvirtLimits } from './wire/limits.ts'
export {
  type ArgsOf,
  MESSAGES,
  type MessageKey,
  type MessageTypes,
  messageKey,
  PROCEDURES,
  type Procedure,
  type ProcedureKey,
  type ProcedureTypes,
  procedureKey,
  type RemoteMessage,
  type ResultOf,
  type SecretAndFlags,
} from './wire/procedures.ts'
export { writeCall, writeError, writeMessage, writeReply } from './wire/remote-frames.ts'
export type { SecretHandle } from './wire/secret-handle.ts'
export type { TypedParam, TypedValue } from './wire/typed-param.ts'
export { XdrReader } from './wire/xdr-reader.ts'
export type { XdrType, XdrValue } from './wire/xdr-type.ts'
export { XdrWriter } from './wire/xdr-writer.ts'
export { formatSecretXml } from './xml/format-secret-xml.ts'
export { MAX_XML_BYTES, MAX_XML_DEPTH, MAX_XML_MARKUP } from './xml/limits.ts'
export { type ParseSecretXmlOptions, parseSecretXml } from './xml/parse-secret-xml.ts'
export { isXmlText } from './xml/xml-text.ts'
