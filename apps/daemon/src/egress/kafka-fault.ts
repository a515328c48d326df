/** Words for what kafkajs throws. Its messages hold text of the broker, and are not looked at. */
import { FaultError } from './fault.ts'
import type { EgressFault } from './messages.ts'
import { isTlsCode } from './tls-codes.ts'

/** The part of a `KafkaJSError` that says what happened. */
interface KafkaFailure {
  readonly name?: unknown
  /** Name of an error code of the protocol, or of a connection's system error. */
  readonly type?: unknown
  readonly code?: unknown
  readonly retriable?: unknown
  readonly cause?: unknown
}

const BY_NAME: Readonly<Record<string, EgressFault>> = {
  KafkaJSConnectionError: 'UNREACHABLE',
  KafkaJSConnectionClosedError: 'UNREACHABLE',
  KafkaJSBrokerNotFound: 'UNREACHABLE',
  KafkaJSRequestTimeoutError: 'PEER_TIMEOUT',
  KafkaJSTimeout: 'PEER_TIMEOUT',
  KafkaJSLockTimeout: 'PEER_TIMEOUT',
  KafkaJSMetadataNotLoaded: 'PEER_FAILED',
  KafkaJSTopicMetadataNotLoaded: 'PEER_FAILED',
  KafkaJSSASLAuthenticationError: 'NOT_ALLOWED',
}

/** Errors of the protocol ("Error Codes") that are not of the common kind. */
const BY_TYPE: Readonly<Record<string, EgressFault>> = {
  REQUEST_TIMED_OUT: 'PEER_TIMEOUT',
  MESSAGE_TOO_LARGE: 'PEER_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'PEER_TOO_LARGE',
  TOPIC_AUTHORIZATION_FAILED: 'NOT_ALLOWED',
  CLUSTER_AUTHORIZATION_FAILED: 'NOT_ALLOWED',
  SASL_AUTHENTICATION_FAILED: 'NOT_ALLOWED',
  UNSUPPORTED_SASL_MECHANISM: 'NOT_ALLOWED',
  ILLEGAL_SASL_STATE: 'NOT_ALLOWED',
}

/** Deepest chain of causes that is followed. */
const CAUSES = 4

/** The fault for what kafkajs, or we around it, have thrown. */
export function kafkaFaultOf(error: unknown): FaultError {
  if (error instanceof FaultError) return error
  let failure = (error ?? {}) as KafkaFailure
  for (let depth = 0; depth < CAUSES; depth++) {
    const fault = wordOf(failure)
    if (fault !== undefined) return new FaultError(fault)
    if (typeof failure.cause !== 'object' || failure.cause === null) break
    failure = failure.cause
  }
  return new FaultError('INTERNAL')
}

function wordOf({ name, type, code, retriable }: KafkaFailure): EgressFault | undefined {
  if (name === 'KafkaJSProtocolError' && typeof type === 'string') {
    if (Object.hasOwn(BY_TYPE, type)) return BY_TYPE[type]
    return retriable === true ? 'PEER_FAILED' : 'PEER_REFUSED'
  }
  if (name === 'KafkaJSConnectionError' && typeof code === 'string' && isTlsCode(code)) {
    return 'TLS_FAILED'
  }
  return typeof name === 'string' && Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
}
