export type { Account } from './account.ts'
export {
  ADMINS_KEY,
  accountKey,
  decodeAccount,
  decodeAccountId,
  decodeAdmins,
  encodeAccount,
  encodeAccountId,
  encodeAdmins,
  isAccountId,
  loginKey,
  uidKey,
} from './account.ts'
export type { AccountPlan, CreateContext, NewAccount } from './account-plan.ts'
export {
  planCreateAccount,
  planDeleteAccount,
  planDisableAccount,
  planEnableAccount,
  planSetPassword,
  planSetRoles,
  planSetUids,
} from './account-plan.ts'
export {
  isEffectiveAdmin,
  readAccount,
  readAccountByLogin,
  readAccountByUid,
  readAdmins,
} from './account-view.ts'
export type { AttemptLimiterOptions, AttemptLimits } from './attempt-limiter.ts'
export { AttemptLimiter, DEFAULT_ATTEMPT_LIMITS, lockedOutError } from './attempt-limiter.ts'
export type { AttemptSource } from './attempt-source.ts'
export { sourceOfAddress, sourceOfUid } from './attempt-source.ts'
export type { ZonesErrorCode } from './errors.ts'
export { ZonesError } from './errors.ts'
export type { FailureRule } from './failure-table.ts'
export type { HashedPassword } from './hashed-password.ts'
export { isHashedPassword } from './hashed-password.ts'
export { isLogin, normalizeLogin } from './login.ts'
export type { PasswordChecker } from './password-check.ts'
export { createPasswordChecker } from './password-check.ts'
export type { PasswordHasher } from './password-hasher.ts'
export { createPasswordHasher } from './password-hasher.ts'
export type { PasswordLogin, PasswordLoginPorts } from './password-login.ts'
export { verifyPasswordLogin } from './password-login.ts'
export type { PasswordRule } from './password-policy.ts'
export {
  checkPasswordPolicy,
  FORBIDDEN_WORDS,
  hashNewPassword,
  normalizePassword,
  PASSPHRASE_MIN_CHARS,
  PASSWORD_MAX_CHARS,
  PASSWORD_MIN_CHARS,
} from './password-policy.ts'
export type { RowView } from './row-view.ts'
export type { Session, SessionDetails, SessionLimits } from './session.ts'
export { DEFAULT_SESSION_LIMITS } from './session.ts'
export { isSessionId } from './session-id.ts'
export type { OpenedSession, SessionHandle, SessionTableOptions } from './session-table.ts'
export { SessionTable } from './session-table.ts'
export { isMappableUid, isUid } from './uid.ts'
