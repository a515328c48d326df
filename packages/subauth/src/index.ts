/** @secreg/subauth: requests, replies and errors of subauth, for both halves. */

export type { PacketExchange } from './client/packet-exchange.ts'
export { SubauthCommands } from './client/subauth-commands.ts'
export {
  type ClientReason,
  isRefusalReason,
  REFUSALS,
  type Refusal,
  type RefusalKind,
  type RefusalReason,
  SubauthError,
  type SubauthErrorCode,
  type SubauthErrorOptions,
  type SubauthReason,
} from './errors.ts'
export type { ManagedAccount, OwnAccount } from './server/port.ts'
export type {
  SubauthAccount,
  SubauthAccounts,
  SubauthEntry,
  SubauthZone,
} from './wire/accounts.ts'
export { formatRequest } from './wire/format-request.ts'
export { type PacketLimits, SUBAUTH_LIMITS, type SubauthLimits } from './wire/limits.ts'
export { parseRequest } from './wire/parse-request.ts'
export {
  LISTING_ALIASES,
  type SubauthCommand,
  type SubauthFields,
  type SubauthRequest,
  type SubauthRequestOf,
} from './wire/request.ts'
