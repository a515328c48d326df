/** The calls that are served, by the numbers of their procedures. */
import { LIBVIRT_DOMAINS } from '../wire/error-codes.ts'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import { type Frame, readBody } from '../wire/frame.ts'
import type { LibvirtError } from '../wire/libvirt-error.ts'
import {
  type ArgsOf,
  PROCEDURES,
  type Procedure,
  type ProcedureKey,
  type ResultOf,
} from '../wire/procedures.ts'
import { writeReply } from '../wire/remote-frames.ts'
import { identityToken } from './identity-token.ts'
import type { Outgoing } from './reply-line.ts'
import { handleOf } from './secret-messages.ts'
import type { Session } from './session.ts'
import { UNSUPPORTED_APIS } from './unsupported.ts'

/** Whom a client asks to prove who he is: nobody is (`VIR_AUTH_NONE`, remote_protocol.x, remote_auth_type). */
const AUTH_NONE = 0
/** AUTH_SASL_INIT, AUTH_SASL_START, AUTH_SASL_STEP. */
const SASL_PROCEDURES: readonly number[] = [67, 68, 69]

/** A call that is served. */
export interface Call {
  /** Absent: it is not served. */
  readonly name: string | undefined
  /** It changes the connection or a secret, and so is worked on alone. */
  readonly changes: boolean
  /** The connection ends behind its reply. */
  readonly closes: boolean
  /** @throws whatever the client is told instead of the reply */
  answer(session: Session, frame: Frame): Promise<Outgoing>
}

type Handlers = {
  readonly [K in ProcedureKey]: (
    session: Session,
    args: ArgsOf<K>,
  ) => ResultOf<K> | Promise<ResultOf<K>>
}

const HANDLERS: Handlers = {
  connectOpen: (session, { name, flags }) => session.open(name, flags),
  // Also of what is not open.
  connectClose: () => undefined,
  connectGetType: (session) => {
    session.requireConnection()
    return { type: 'secret' }
  },
  connectSupportsFeature: (session, { feature }) => ({
    supported: session.supportsFeature(feature) ? 1 : 0,
  }),
  authList: () => ({ types: [AUTH_NONE] }),
  authPolkit: () => {
    throw LIBVIRT_ERRORS.authFailed(LIBVIRT_DOMAINS.POLKIT)
  },
  connectGetUri: (session) => ({ uri: session.uri() }),
  connectNumOfSecrets: async (session) => ({ num: await session.count() }),
  connectListSecrets: async (session, { maxuuids }) => ({
    uuids: await session.listUuids(maxuuids),
  }),
  secretLookupByUuid: async (session, { uuid }) => ({
    secret: handleOf(await session.lookup(uuid)),
  }),
  secretDefineXml: async (session, { xml, flags }) => ({
    secret: handleOf(await session.define(xml, flags)),
  }),
  secretGetXmlDesc: async (session, { secret, flags }) => ({
    xml: await session.describe(secret.uuid, flags),
  }),
  secretSetValue: (session, { secret, value, flags }) =>
    session.setValue(secret.uuid, value, flags),
  secretGetValue: async (session, { secret, flags }) => ({
    value: await session.getValue(secret.uuid, flags),
  }),
  secretUndefine: (session, { secret }) => session.undefine(secret.uuid),
  secretLookupByUsage: async (session, { usageType, usageId }) => ({
    secret: handleOf(await session.lookupByUsage(usageType, usageId)),
  }),
  connectIsSecure: (session) => {
    session.requireConnection()
    return { secure: 1 }
  },
  connectGetLibVersion: (session) => {
    session.requireConnection()
    return { libVersion: BigInt(session.versionNumber) }
  },
  connectListAllSecrets: async (session, { needResults, flags }) => {
    const listed = await session.listAll(flags)
    return { secrets: needResults === 0 ? [] : listed.map(handleOf), ret: listed.length }
  },
  // Nothing ever closes the secrets while the connection is open.
  connectRegisterCloseCallback: (session) => {
    session.requireConnection()
  },
  connectUnregisterCloseCallback: (session) => {
    session.requireConnection()
  },
  connectSecretEventRegisterAny: async (session, { eventId, secret }) => ({
    callbackId: await session.register(eventId, secret?.uuid),
  }),
  connectSecretEventDeregisterAny: (session, { callbackId }) => session.deregister(callbackId),
  connectSetIdentity: (session, { params }) => {
    session.requireConnection()
    return session.setIdentity(identityToken(params))
  },
}

const CHANGING: ReadonlySet<ProcedureKey> = new Set<ProcedureKey>([
  'connectOpen',
  'connectClose',
  'connectSetIdentity',
  'secretDefineXml',
  'secretSetValue',
  'secretUndefine',
  'connectSecretEventRegisterAny',
  'connectSecretEventDeregisterAny',
])

const SERVED: ReadonlyMap<number, Call> = new Map<number, Call>([
  ...(Object.keys(HANDLERS) as ProcedureKey[]).map((key): [number, Call] => [
    PROCEDURES[key].number,
    served(key),
  ]),
  ...SASL_PROCEDURES.map((number): [number, Call] => [
    number,
    refusedCall(LIBVIRT_ERRORS.authFailed(), 'AUTH_SASL'),
  ]),
  ...[...UNSUPPORTED_APIS].map(([number, { api, domain }]): [number, Call] => [
    number,
    {
      name: api,
      changes: false,
      closes: false,
      answer: async (session) => {
        session.requireConnection()
        throw LIBVIRT_ERRORS.noSupport(api, domain)
      },
    },
  ]),
])

/** The call of a procedure, if it is served. */
export function callOf(procedure: number): Call | undefined {
  return SERVED.get(procedure)
}

/** A call that is answered with an error, whatever it carries. */
export function refusedCall(error: LibvirtError, name?: string): Call {
  return {
    name,
    changes: false,
    closes: false,
    answer: async () => {
      throw error
    },
  }
}

function served<K extends ProcedureKey>(key: K): Call {
  const procedure: Procedure<ArgsOf<K>, ResultOf<K>> = PROCEDURES[key]
  const handle: Handlers[K] = HANDLERS[key]
  return {
    name: procedure.name,
    changes: CHANGING.has(key),
    closes: key === 'connectClose',
    answer: async (session, { body, serial }) => {
      const result: ResultOf<K> = await handle(session, readBody(procedure.args, body))
      if (!holdsValue(result)) return { bytes: writeReply(key, result, serial), isSecret: false }
      try {
        return { bytes: writeReply(key, result, serial), isSecret: true }
      } finally {
        result.value.fill(0)
      }
    },
  }
}

function holdsValue(result: unknown): result is { readonly value: Uint8Array } {
  return typeof result === 'object' && result !== null && 'value' in result
}
