/**
 * Procedures and messages of libvirt's remote program that concern secrets, with what they carry (libvirt,
 * remote_protocol.x). Both halves go by this table.
 */
import { LIBVIRT_LIMITS } from './limits.ts'
import { SECRET_HANDLE, type SecretHandle, UUID } from './secret-handle.ts'
import { TYPED_PARAM, type TypedParam } from './typed-param.ts'
import {
  INT,
  list,
  NOTHING,
  opaque,
  optional,
  STRING,
  struct,
  UHYPER,
  UINT,
  type XdrType,
} from './xdr-type.ts'

/** A procedure: what it is called with and what it answers. */
export interface Procedure<A, R> {
  readonly number: number
  /** As libvirt spells it, without `REMOTE_PROC_`. */
  readonly name: string
  readonly args: XdrType<A>
  readonly result: XdrType<R>
}

/** A message that a server sends on its own. */
export interface RemoteMessage<B> {
  readonly number: number
  readonly name: string
  readonly body: XdrType<B>
}

type Named<K extends string, V> = { readonly [key in K]: V }

/** Arguments of 145 and 143, and the secret of others. */
export interface SecretAndFlags {
  readonly secret: SecretHandle
  readonly flags: number
}

/** Arguments and results of each procedure. Numbers are as on the wire; flags are of 32 bits, unsigned. */
export interface ProcedureTypes {
  readonly connectOpen: [{ readonly name: string | undefined; readonly flags: number }, undefined]
  readonly connectClose: [undefined, undefined]
  readonly connectGetType: [undefined, Named<'type', string>]
  readonly connectSupportsFeature: [Named<'feature', number>, Named<'supported', number>]
  readonly authList: [undefined, Named<'types', readonly number[]>]
  readonly authPolkit: [undefined, Named<'complete', number>]
  readonly connectGetUri: [undefined, Named<'uri', string>]
  readonly connectNumOfSecrets: [undefined, Named<'num', number>]
  readonly connectListSecrets: [Named<'maxuuids', number>, Named<'uuids', readonly string[]>]
  readonly secretLookupByUuid: [Named<'uuid', string>, Named<'secret', SecretHandle>]
  readonly secretDefineXml: [
    { readonly xml: string; readonly flags: number },
    Named<'secret', SecretHandle>,
  ]
  readonly secretGetXmlDesc: [SecretAndFlags, Named<'xml', string>]
  readonly secretSetValue: [SecretAndFlags & Named<'value', Uint8Array>, undefined]
  readonly secretGetValue: [SecretAndFlags, Named<'value', Uint8Array>]
  readonly secretUndefine: [Named<'secret', SecretHandle>, undefined]
  readonly secretLookupByUsage: [
    { readonly usageType: number; readonly usageId: string },
    Named<'secret', SecretHandle>,
  ]
  readonly connectIsSecure: [undefined, Named<'secure', number>]
  /** The version is major * 1,000,000 + minor * 1,000 + micro. */
  readonly connectGetLibVersion: [undefined, Named<'libVersion', bigint>]
  readonly connectListAllSecrets: [
    { readonly needResults: number; readonly flags: number },
    { readonly secrets: readonly SecretHandle[]; readonly ret: number },
  ]
  readonly connectRegisterCloseCallback: [undefined, undefined]
  readonly connectUnregisterCloseCallback: [undefined, undefined]
  readonly connectSecretEventRegisterAny: [
    { readonly eventId: number; readonly secret: SecretHandle | undefined },
    Named<'callbackId', number>,
  ]
  readonly connectSecretEventDeregisterAny: [Named<'callbackId', number>, undefined]
  readonly connectSetIdentity: [
    { readonly params: readonly TypedParam[]; readonly flags: number },
    undefined,
  ]
}

export type ProcedureKey = keyof ProcedureTypes
export type ArgsOf<K extends ProcedureKey> = ProcedureTypes[K][0]
export type ResultOf<K extends ProcedureKey> = ProcedureTypes[K][1]

/** What each message carries. */
export interface MessageTypes {
  /** Reason: 0 error, 1 end of file, 2 keepalive, 3 client. */
  readonly connectEventConnectionClosed: Named<'reason', number>
  /** Event: 0 defined, 1 undefined. Detail: 0. */
  readonly secretEventLifecycle: {
    readonly callbackId: number
    readonly secret: SecretHandle
    readonly event: number
    readonly detail: number
  }
  readonly secretEventValueChanged: {
    readonly callbackId: number
    readonly secret: SecretHandle
  }
}

export type MessageKey = keyof MessageTypes

const { secrets, valueBytes, authTypes, identityParams } = LIBVIRT_LIMITS
const handle = struct<Named<'secret', SecretHandle>>({ secret: SECRET_HANDLE })
const callback = struct<Named<'callbackId', number>>({ callbackId: INT })
const handleAndFlags = struct<SecretAndFlags>({ secret: SECRET_HANDLE, flags: UINT })

/** Procedures by key. The name of a key is libvirt's in lower camel case. */
export const PROCEDURES: {
  readonly [K in ProcedureKey]: Procedure<ArgsOf<K>, ResultOf<K>>
} = Object.freeze({
  connectOpen: procedure(
    1,
    'CONNECT_OPEN',
    struct<ArgsOf<'connectOpen'>>({ name: optional(STRING), flags: UINT }),
    NOTHING,
  ),
  connectClose: procedure(2, 'CONNECT_CLOSE', NOTHING, NOTHING),
  connectGetType: procedure(3, 'CONNECT_GET_TYPE', NOTHING, struct({ type: STRING })),
  connectSupportsFeature: procedure(
    60,
    'CONNECT_SUPPORTS_FEATURE',
    struct({ feature: INT }),
    struct({ supported: INT }),
  ),
  authList: procedure(66, 'AUTH_LIST', NOTHING, struct({ types: list(INT, authTypes) })),
  authPolkit: procedure(70, 'AUTH_POLKIT', NOTHING, struct({ complete: INT })),
  connectGetUri: procedure(110, 'CONNECT_GET_URI', NOTHING, struct({ uri: STRING })),
  connectNumOfSecrets: procedure(139, 'CONNECT_NUM_OF_SECRETS', NOTHING, struct({ num: INT })),
  connectListSecrets: procedure(
    140,
    'CONNECT_LIST_SECRETS',
    struct({ maxuuids: INT }),
    struct({ uuids: list(STRING, secrets) }),
  ),
  secretLookupByUuid: procedure(141, 'SECRET_LOOKUP_BY_UUID', struct({ uuid: UUID }), handle),
  secretDefineXml: procedure(
    142,
    'SECRET_DEFINE_XML',
    struct<ArgsOf<'secretDefineXml'>>({ xml: STRING, flags: UINT }),
    handle,
  ),
  secretGetXmlDesc: procedure(143, 'SECRET_GET_XML_DESC', handleAndFlags, struct({ xml: STRING })),
  secretSetValue: procedure(
    144,
    'SECRET_SET_VALUE',
    struct<ArgsOf<'secretSetValue'>>({
      secret: SECRET_HANDLE,
      value: opaque(valueBytes),
      flags: UINT,
    }),
    NOTHING,
  ),
  secretGetValue: procedure(
    145,
    'SECRET_GET_VALUE',
    handleAndFlags,
    struct({ value: opaque(valueBytes) }),
  ),
  secretUndefine: procedure(146, 'SECRET_UNDEFINE', handle, NOTHING),
  secretLookupByUsage: procedure(
    147,
    'SECRET_LOOKUP_BY_USAGE',
    struct<ArgsOf<'secretLookupByUsage'>>({ usageType: INT, usageId: STRING }),
    handle,
  ),
  connectIsSecure: procedure(149, 'CONNECT_IS_SECURE', NOTHING, struct({ secure: INT })),
  connectGetLibVersion: procedure(
    157,
    'CONNECT_GET_LIB_VERSION',
    NOTHING,
    struct({ libVersion: UHYPER }),
  ),
  connectListAllSecrets: procedure(
    287,
    'CONNECT_LIST_ALL_SECRETS',
    struct<ArgsOf<'connectListAllSecrets'>>({ needResults: INT, flags: UINT }),
    struct<ResultOf<'connectListAllSecrets'>>({
      secrets: list(SECRET_HANDLE, secrets),
      ret: UINT,
    }),
  ),
  connectRegisterCloseCallback: procedure(360, 'CONNECT_REGISTER_CLOSE_CALLBACK', NOTHING, NOTHING),
  connectUnregisterCloseCallback: procedure(
    361,
    'CONNECT_UNREGISTER_CLOSE_CALLBACK',
    NOTHING,
    NOTHING,
  ),
  connectSecretEventRegisterAny: procedure(
    380,
    'CONNECT_SECRET_EVENT_REGISTER_ANY',
    struct<ArgsOf<'connectSecretEventRegisterAny'>>({
      eventId: INT,
      secret: optional(SECRET_HANDLE),
    }),
    callback,
  ),
  connectSecretEventDeregisterAny: procedure(
    381,
    'CONNECT_SECRET_EVENT_DEREGISTER_ANY',
    callback,
    NOTHING,
  ),
  connectSetIdentity: procedure(
    419,
    'CONNECT_SET_IDENTITY',
    struct<ArgsOf<'connectSetIdentity'>>({
      params: list(TYPED_PARAM, identityParams),
      flags: UINT,
    }),
    NOTHING,
  ),
})

/** Messages by key. */
export const MESSAGES: { readonly [K in MessageKey]: RemoteMessage<MessageTypes[K]> } =
  Object.freeze({
    connectEventConnectionClosed: message(
      362,
      'CONNECT_EVENT_CONNECTION_CLOSED',
      struct({ reason: INT }),
    ),
    secretEventLifecycle: message(
      382,
      'SECRET_EVENT_LIFECYCLE',
      struct<MessageTypes['secretEventLifecycle']>({
        callbackId: INT,
        secret: SECRET_HANDLE,
        event: INT,
        detail: INT,
      }),
    ),
    secretEventValueChanged: message(
      383,
      'SECRET_EVENT_VALUE_CHANGED',
      struct<MessageTypes['secretEventValueChanged']>({
        callbackId: INT,
        secret: SECRET_HANDLE,
      }),
    ),
  })

const PROCEDURE_KEYS: ReadonlyMap<number, ProcedureKey> = keysByNumber(PROCEDURES)
const MESSAGE_KEYS: ReadonlyMap<number, MessageKey> = keysByNumber(MESSAGES)

/** The procedure with a number, if it is one of the table. */
export function procedureKey(number: number): ProcedureKey | undefined {
  return PROCEDURE_KEYS.get(number)
}

/** The message with a number, if it is one of the table. */
export function messageKey(number: number): MessageKey | undefined {
  return MESSAGE_KEYS.get(number)
}

function procedure<A, R>(
  number: number,
  name: string,
  args: XdrType<A>,
  result: XdrType<R>,
): Procedure<A, R> {
  return Object.freeze({ number, name, args, result })
}

function message<B>(number: number, name: string, body: XdrType<B>): RemoteMessage<B> {
  return Object.freeze({ number, name, body })
}

function keysByNumber<K extends string>(
  table: Readonly<Record<K, { readonly number: number }>>,
): ReadonlyMap<number, K> {
  const keys = Object.keys(table) as K[]
  return new Map(keys.map((key) => [table[key].number, key]))
}
