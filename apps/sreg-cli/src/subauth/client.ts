/** The server as this command uses it. */
import type { SubauthClient } from '@secreg/subauth/node'

/** Socket of a server, where nothing names another. */
export const DEFAULT_SUBAUTH_SOCKET = '/run/secreg/subauth.sock'

/** A connection: what the protocol can do. */
export type SubauthCalls = Pick<
  SubauthClient,
  | 'zones'
  | 'accounts'
  | 'setPasswd'
  | 'deletePasswd'
  | 'createToken'
  | 'changeToken'
  | 'deleteToken'
  | 'createTemp'
  | 'allowPasswdAuth'
  | 'login'
  | 'createAccount'
  | 'deleteAccount'
  | 'close'
>

/**
 * Connect to the server at a path.
 *
 * @param timeoutMs - longest wait for the connection, and for each reply, milliseconds
 * @throws SubauthError `ERR_SUBAUTH_UNREACHABLE`
 */
export type Connect = (path: string, timeoutMs: number) => Promise<SubauthCalls>
