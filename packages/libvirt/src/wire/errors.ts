/**
 * Every error that is told to a client, with the texts of libvirt 9.0 as recorded. The table is closed: what a peer sent
 * comes back in it only where libvirt does so (names of secrets, numbers, URIs), and never a value.
 */
import { LIBVIRT_CODES as CODES, LIBVIRT_DOMAINS as DOMAINS } from './error-codes.ts'
import { LibvirtError } from './libvirt-error.ts'

/** Longest detail, bytes of UTF-8: what libvirt's own buffer holds (virterror.h, VIR_ERROR_MAX_LENGTH 1024). */
const MAX_DETAIL_BYTES = 1_022

const PREFIXES: ReadonlyMap<number, string> = new Map<number, string>([
  [CODES.INTERNAL_ERROR, 'internal error: '],
  [CODES.NO_SUPPORT, 'this function is not supported by the connection driver: '],
  [CODES.NO_CONNECT, 'no connection driver available for '],
  [CODES.INVALID_ARG, 'invalid argument: '],
  [CODES.OPERATION_FAILED, 'operation failed: '],
  [CODES.XML_ERROR, 'XML error: '],
  [CODES.OPERATION_DENIED, 'operation forbidden: '],
  [CODES.AUTH_FAILED, 'authentication failed: '],
  [CODES.INVALID_SECRET, 'Invalid secret: '],
  [CODES.NO_SECRET, 'Secret not found: '],
  [CODES.CONFIG_UNSUPPORTED, 'unsupported configuration: '],
  [CODES.ARGUMENT_UNSUPPORTED, 'argument unsupported: '],
  [CODES.ACCESS_DENIED, 'access denied: '],
  [CODES.XML_INVALID_SCHEMA, 'XML document failed to validate against schema: '],
])

/** A use whose identifier can be missing. */
export type IdentifiedUsage = 'volume' | 'ceph' | 'iscsi' | 'tls' | 'vtpm'

const MISSING_IDS: Readonly<Record<IdentifiedUsage, string>> = Object.freeze({
  volume: 'volume usage specified, but volume path is missing',
  ceph: 'Ceph usage specified, but name is missing',
  iscsi: 'iSCSI usage specified, but target is missing',
  tls: 'TLS usage specified, but name is missing',
  vtpm: 'vTPM usage specified, but name is missing',
})

/** A function that a read-only connection may not call. */
export type WritingFunction =
  | 'virSecretDefineXML'
  | 'virSecretSetValue'
  | 'virSecretGetValue'
  | 'virSecretUndefine'

/** A function that takes flags. */
export type FlaggedFunction =
  | 'secretConnectListAllSecrets'
  | 'secretDefineXML'
  | 'secretGetXMLDesc'
  | 'secretSetValue'
  | 'secretGetValue'

/** Makers of all errors of libvirt that concern secrets. */
export interface LibvirtErrors {
  /** 66; also what a caller is told of a secret that it may not see. */
  noSecret(uuid: string): LibvirtError
  /** 66 */
  noSecretUsage(id: string): LibvirtError
  /** 66 */
  noValue(uuid: string): LibvirtError
  /** 65 */
  isPrivate(): LibvirtError
  /** 88, domain access */
  accessDenied(): LibvirtError
  /** 29 */
  readOnly(name: WritingFunction): LibvirtError
  /** 1: the usage is another secret's. `uuid` is of the one that has it. */
  duplicateUsage(uuid: string, id: string): LibvirtError
  /** 1: a redefinition changes the usage. `id` is what it was, absent where there was none. */
  usageChanged(uuid: string, id: string | undefined): LibvirtError
  /** 1 */
  privateCleared(): LibvirtError
  /** 8 */
  unsupportedFlags(name: FlaggedFunction, flags: number): LibvirtError
  /** 8: a value of no bytes. */
  emptyValue(): LibvirtError
  /** 9: something of the server failed; the text names no inner thing. */
  operationFailed(text: string, cause?: unknown): LibvirtError

  /** 1 */
  malformedUuid(): LibvirtError
  /** 1 */
  missingUsageId(type: IdentifiedUsage): LibvirtError
  /** 27 */
  missingUsageType(): LibvirtError
  /** 67 */
  unknownUsageType(type: string): LibvirtError
  /** 27 */
  invalidYesNo(name: 'ephemeral' | 'private'): LibvirtError
  /** 27, domain xml */
  wrongRoot(name: string): LibvirtError
  /** 35: not well-formed XML; the whole text. */
  xmlDetail(text: string): LibvirtError
  /** 92, domain xml */
  xmlSchema(text: string): LibvirtError

  /** 1, domain rpc: a call about secrets before CONNECT_OPEN. */
  notOpen(): LibvirtError
  /** 1, domain rpc: a call about the connection before CONNECT_OPEN. */
  hypervisorNotOpen(): LibvirtError
  /** 1, domain rpc */
  alreadyOpen(): LibvirtError
  /** 5; an absent or empty name is told as `<null>`. */
  noConnect(uri: string | undefined): LibvirtError
  /** 1 */
  unexpectedPath(path: string): LibvirtError
  /** 3; `domain` is the one of the objects that the function is for. Default that of domains and hosts. */
  noSupport(name: string, domain?: number): LibvirtError
  /** 1, domain rpc */
  unsupportedEvent(eventId: number): LibvirtError
  /** 8 */
  alreadyTracked(): LibvirtError
  /** 1, domain rpc */
  callbackNotRegistered(callbackId: number): LibvirtError
  /** 1, domain rpc */
  tooManySecrets(count: number, most: number): LibvirtError
  /** 74 */
  unsupportedParameter(name: string): LibvirtError
  /** 45, domain rpc for SASL */
  authFailed(domain?: number): LibvirtError

  /** 39: a fault of the protocol; the whole text. */
  rpc(text: string, cause?: unknown): LibvirtError
  unknownProgram(program: number, version: number): LibvirtError
  unknownProcedure(procedure: number): LibvirtError
  unexpectedStatus(status: number): LibvirtError
  authenticationRequired(): LibvirtError
  maxUuidsNegative(): LibvirtError
  maxUuidsOver(): LibvirtError
  /** 39: bytes are not what the procedure takes or gives. */
  undecodable(cause?: unknown): LibvirtError
  /** 39: what is to be sent does not fit into a message. */
  unencodable(): LibvirtError
}

/** Errors as libvirt 9.0 tells them. Details longer than 1,022 bytes are cut at a character. */
export const LIBVIRT_ERRORS: LibvirtErrors = Object.freeze<LibvirtErrors>({
  noSecret: (uuid) => secret(CODES.NO_SECRET, `no secret with matching uuid '${uuid}'`),
  noSecretUsage: (id) => secret(CODES.NO_SECRET, `no secret with matching usage '${id}'`),
  noValue: (uuid) => secret(CODES.NO_SECRET, `secret '${uuid}' does not have a value`),
  isPrivate: () => secret(CODES.INVALID_SECRET, 'secret is private'),
  accessDenied: () => failure(CODES.ACCESS_DENIED, DOMAINS.ACCESS, "'secret' denied access"),
  readOnly: (name) => secret(CODES.OPERATION_DENIED, `read only access prevents ${name}`),
  duplicateUsage: (uuid, id) =>
    secret(CODES.INTERNAL_ERROR, `a secret with UUID ${uuid} already defined for use with ${id}`),
  usageChanged: (uuid, id = '(null)') =>
    secret(
      CODES.INTERNAL_ERROR,
      `a secret with UUID ${uuid} is already defined for use with ${id}`,
    ),
  privateCleared: () =>
    secret(CODES.INTERNAL_ERROR, 'cannot change private flag on existing secret'),
  unsupportedFlags: (name, flags) =>
    argument(
      name,
      'flags',
      `unsupported flags (0x${(flags >>> 0).toString(16)}) in function ${name}`,
    ),
  emptyValue: () =>
    argument('virSecretSetValue', 'value', 'value in virSecretSetValue must not be NULL'),
  operationFailed: (text, cause) => secret(CODES.OPERATION_FAILED, text, cause),

  malformedUuid: () => secret(CODES.INTERNAL_ERROR, 'malformed uuid element'),
  missingUsageId: (type) => secret(CODES.INTERNAL_ERROR, MISSING_IDS[type]),
  missingUsageType: () => secret(CODES.XML_ERROR, 'unknown secret usage type'),
  unknownUsageType: (type) => secret(CODES.CONFIG_UNSUPPORTED, `unknown secret usage type ${type}`),
  invalidYesNo: (name) => secret(CODES.XML_ERROR, `invalid value of '${name}'`),
  wrongRoot: (name) =>
    failure(CODES.XML_ERROR, DOMAINS.XML, `expecting root element of 'secret', not '${name}'`),
  xmlDetail: (text) => secret(CODES.XML_DETAIL, text),
  xmlSchema: (text) => failure(CODES.XML_INVALID_SCHEMA, DOMAINS.XML, text),

  notOpen: () => failure(CODES.INTERNAL_ERROR, DOMAINS.RPC, 'connection not open'),
  hypervisorNotOpen: () =>
    failure(CODES.INTERNAL_ERROR, DOMAINS.RPC, 'hypervisor connection not open'),
  alreadyOpen: () => failure(CODES.INTERNAL_ERROR, DOMAINS.RPC, 'connection already open'),
  noConnect: (uri = '') => failure(CODES.NO_CONNECT, DOMAINS.NONE, uri === '' ? '<null>' : uri),
  unexpectedPath: (path) =>
    failure(
      CODES.INTERNAL_ERROR,
      DOMAINS.NONE,
      `unexpected secret URI path '${path}', try secret:///system`,
    ),
  noSupport: (name, domain = DOMAINS.DOMAIN) => failure(CODES.NO_SUPPORT, domain, name),
  unsupportedEvent: (eventId) =>
    failure(CODES.INTERNAL_ERROR, DOMAINS.RPC, `unsupported secret event ID ${eventId}`),
  alreadyTracked: () => failure(CODES.INVALID_ARG, DOMAINS.NONE, 'event callback already tracked'),
  // libvirtd says "node device event callback", a slip of its source that no client reads.
  callbackNotRegistered: (callbackId) =>
    failure(
      CODES.INTERNAL_ERROR,
      DOMAINS.RPC,
      `secret event callback ${callbackId} not registered`,
    ),
  tooManySecrets: (count, most) =>
    failure(CODES.INTERNAL_ERROR, DOMAINS.RPC, `Too many secrets '${count}' for limit '${most}'`),
  unsupportedParameter: (name) =>
    failure(CODES.ARGUMENT_UNSUPPORTED, DOMAINS.NONE, `parameter '${name}' not supported`),
  authFailed: (domain = DOMAINS.RPC) => failure(CODES.AUTH_FAILED, domain, 'authentication failed'),

  rpc: (text, cause) => rpc(text, cause),
  unknownProgram: (program, version) => rpc(`Cannot find program ${program} version ${version}`),
  unknownProcedure: (procedure) => rpc(`unknown procedure: ${procedure}`),
  unexpectedStatus: (status) => rpc(`Unexpected message status ${status}`),
  authenticationRequired: () => rpc('authentication required'),
  maxUuidsNegative: () => rpc('maxuuids must be non-negative'),
  maxUuidsOver: () => rpc('maxuuids > REMOTE_SECRET_LIST_MAX'),
  undecodable: (cause) => rpc('Unable to decode message payload', cause),
  unencodable: () => rpc('Unable to encode message payload'),
})

function rpc(text: string, cause?: unknown): LibvirtError {
  return failure(CODES.RPC, DOMAINS.RPC, text, cause)
}

function secret(code: number, detail: string, cause?: unknown): LibvirtError {
  return failure(code, DOMAINS.SECRET, detail, cause)
}

function failure(code: number, domain: number, detail: string, cause?: unknown): LibvirtError {
  const prefix = PREFIXES.get(code) ?? ''
  const str2 = cut(detail)
  return new LibvirtError(
    { code, domain, message: `${prefix}${str2}`, str1: `${prefix}%s`, str2 },
    cause === undefined ? {} : { cause },
  )
}

/** A wrong argument: the function and the argument stand where others have template and detail. */
function argument(name: string, wrong: string, message: string): LibvirtError {
  return new LibvirtError({
    code: CODES.INVALID_ARG,
    domain: DOMAINS.SECRET,
    message,
    str1: name,
    str2: wrong,
    int1: 0,
    int2: 0,
  })
}

/** A detail that fits and can be written: what a text of XDR cannot hold becomes U+FFFD. */
function cut(detail: string): string {
  let text = detail
  // A character is at most 3 bytes for each unit of UTF-16.
  if (detail.length * 3 > MAX_DETAIL_BYTES) {
    const room = new Uint8Array(MAX_DETAIL_BYTES)
    text = detail.slice(0, new TextEncoder().encodeInto(detail, room).read)
  }
  return text.replace(/[\0\p{Surrogate}]/gu, '\ufffd')
}
