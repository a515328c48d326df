/**
 * From a stream to the secrets behind it: authentication, keepalive, CONNECT_OPEN.
 *
 * Source: libvirt, src/remote/remote_driver.c, doRemoteOpen.
 */
import { LIBVIRT_CODES } from '../wire/error-codes.ts'
import { LibvirtError } from '../wire/libvirt-error.ts'
import { checkFlag, checkInteger, checkObject } from './check-arguments.ts'
import { LibvirtConnectionError } from './connection-error.ts'
import { ConnectFlags } from './enums.ts'
import { checkKeepalive, type KeepaliveOptions } from './keepalive-timer.ts'
import { parseLibvirtUri } from './libvirt-uri.ts'
import { RemoteCalls } from './remote-calls.ts'
import { SecretRegistry } from './secret-registry.ts'
import type { ClientStream } from './stream.ts'

/** How a connection is opened. */
export interface OpenRegistryOptions {
  /** What the server is asked for. Default `secret:///system`; '' lets it choose. */
  readonly uri?: string
  /** Ask for a connection that changes nothing and reads no value. Default false. */
  readonly readOnly?: boolean
  /** How a silent server is watched over; false: not at all. Without effect when the server does not support it. */
  readonly keepalive?: KeepaliveOptions | false
  /** Longest wait for each reply, milliseconds. Default 30,000; 0 = no limit. */
  readonly timeoutMs?: number
  /** Ends the attempt to connect, not the connection. */
  readonly signal?: AbortSignal
}

/** The same, checked. */
export interface OpenSettings {
  readonly uri: string
  readonly readOnly: boolean
  readonly keepalive: Required<KeepaliveOptions> | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

const AUTH = Object.freeze({ NONE: 0, POLKIT: 2 })
const FEATURE = Object.freeze({ KEEPALIVE: 10, CLOSE_CALLBACK: 15 })
const LONGEST_MS = 2 ** 31 - 1

/** @throws TypeError, RangeError */
export function checkOpenOptions(options: OpenRegistryOptions): OpenSettings {
  checkObject('options', options)
  const { uri = 'secret:///system', readOnly, keepalive, timeoutMs = 30_000, signal } = options
  parseLibvirtUri(uri)
  checkFlag('readOnly', readOnly)
  checkInteger('timeoutMs', timeoutMs, 0, LONGEST_MS)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`signal: expected an AbortSignal, got ${typeof signal}`)
  }
  const watched = checkKeepalive(keepalive)
  return { uri, readOnly: readOnly ?? false, keepalive: watched, timeoutMs, signal }
}

/**
 * The secrets behind a stream.
 *
 * @param stream - connected; it belongs to the registry from now on, and is destroyed when this fails
 * @throws LibvirtError as the server refuses; LibvirtConnectionError; the reason of the signal; TypeError, RangeError
 *   for wrong options, with which the stream is left alone
 */
export async function openSecretRegistry(
  stream: ClientStream,
  options: OpenRegistryOptions = {},
): Promise<SecretRegistry> {
  const settings = checkOpenOptions(options)
  const { signal } = settings
  const calls = new RemoteCalls(stream, settings.timeoutMs)
  const abandon = (): void => calls.rpc.end('client', new LibvirtConnectionError('CLOSED'))
  signal?.addEventListener('abort', abandon)
  try {
    signal?.throwIfAborted()
    await open(calls, settings)
    return new SecretRegistry(calls)
  } catch (error) {
    abandon()
    throw signal?.aborted ? signal.reason : error
  } finally {
    signal?.removeEventListener('abort', abandon)
  }
}

async function open(calls: RemoteCalls, settings: OpenSettings): Promise<void> {
  await authenticate(calls)
  if (settings.keepalive !== undefined && (await supports(calls, FEATURE.KEEPALIVE))) {
    calls.rpc.watch(settings.keepalive)
  }
  const { name } = parseLibvirtUri(settings.uri)
  const flags = settings.readOnly ? ConnectFlags.RO : 0
  await calls.call('connectOpen', { name, flags }, () => calls.rpc.opened())
  if (await supports(calls, FEATURE.CLOSE_CALLBACK)) {
    calls.tellsClose = await granted(
      calls.call('connectRegisterCloseCallback', undefined, () => true),
    )
  }
}

async function authenticate(calls: RemoteCalls): Promise<void> {
  const types = await authTypes(calls)
  if (types.length === 0 || types.includes(AUTH.NONE)) return
  if (!types.includes(AUTH.POLKIT)) throw new LibvirtConnectionError('AUTH_UNSUPPORTED')
  await calls.call('authPolkit', undefined, ({ complete }) => {
    // A server that does not say so would refuse whatever comes next.
    if (complete !== 1) throw new RangeError('complete: expected 1, got another number')
  })
}

async function authTypes(calls: RemoteCalls): Promise<readonly number[]> {
  try {
    return await calls.call('authList', undefined, ({ types }) => types)
  } catch (error) {
    // Servers without authentication may not know the question.
    if (LibvirtError.is(error, LIBVIRT_CODES.NO_SUPPORT)) return []
    throw error
  }
}

function supports(calls: RemoteCalls, feature: number): Promise<boolean> {
  const answer = calls.call(
    'connectSupportsFeature',
    { feature },
    ({ supported }) => supported !== 0,
  )
  return granted(answer)
}

/** A server that refuses does not support it. */
async function granted(answer: Promise<boolean>): Promise<boolean> {
  try {
    return await answer
  } catch (error) {
    if (LibvirtError.is(error)) return false
    throw error
  }
}
