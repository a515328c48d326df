export type { AccessToken, TokenBoundary } from './access-token.ts'
export {
  ACCESS_TOKEN_SPACE,
  ACCESS_TOKENS_MAX,
  accessTokenKey,
  accountTokensKey,
  decodeAccessToken,
  encodeAccessToken,
  isTokenBoundary,
  isTokenIdent,
  readAccessToken,
  readAccessTokensOf,
  readTokenIdents,
} from './access-token.ts'
export type {
  AccessTokenPlan,
  NewAccessToken,
  TokenContext,
  VerifiedToken,
} from './access-token-plan.ts'
export {
  planConsumeUse,
  planCreateAccessToken,
  planRevokeAccessToken,
  tokenRefused,
  verifyAccessToken,
} from './access-token-plan.ts'
export type { Account } from './account.ts'
export {
  ACCOUNTS_SPACE,
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
export type { AccountPlan } from './account-change.ts'
export {
  planJoinGroup,
  planLeaveGroup,
  planSetGroups,
  planSetRoles,
} from './account-names-plan.ts'
export type { CreateContext, NewAccount } from './account-plan.ts'
export {
  planBumpGeneration,
  planCreateAccount,
  planDeleteAccount,
  planDisableAccount,
  planEnableAccount,
  planRenameAccount,
  planSetPassword,
  planSetSystem,
  planSetUids,
} from './account-plan.ts'
export {
  isEffectiveAdmin,
  readAccount,
  readAccountByLogin,
  readAccountByUid,
  readAdmins,
  readMappedAccount,
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
export type { KernelLoginPorts } from './kernel-login.ts'
export { nobodyMapped, verifyKernelLogin } from './kernel-login.ts'
export { isLogin, normalizeLogin } from './login.ts'
export type { MfaPlan } from './mfa-plan.ts'
export {
  planBeginMfa,
  planConfirmMfa,
  planNewRecoveryCodes,
  planRemoveMfa,
  planUseMfa,
} from './mfa-plan.ts'
export type { MfaState, SecondFactor } from './mfa-row.ts'
export {
  decodeSecondFactor,
  encodeSecondFactor,
  mfaKey,
  mfaStateOf,
  RECOVERY_CODES,
  readSecondFactor,
} from './mfa-row.ts'
export type { MfaContext } from './mfa-secret.ts'
export { isBuiltInRole, sortRoles } from './name.ts'
export type { NamedPlan, NewNamed } from './named-plan.ts'
export { hasName, planCreateNamed, planDescribeNamed, planRemoveNamed } from './named-plan.ts'
export type { Named, NamedKind } from './named-row.ts'
export {
  decodeNamed,
  encodeNamed,
  existsNamed,
  GROUP_SPACE,
  namedKey,
  ROLE_SPACE,
  readNamed,
} from './named-row.ts'
export type { PasswordChecker } from './password-check.ts'
export { createPasswordChecker } from './password-check.ts'
export type { PasswordHasher } from './password-hasher.ts'
export { createPasswordHasher } from './password-hasher.ts'
export type { ExternalLogin, PasswordLogin, PasswordLoginPorts } from './password-login.ts'
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
export type { RowSpace } from './row.ts'
export type { RowView } from './row-view.ts'
export type { Presenter, Session, SessionDetails, SessionLimits } from './session.ts'
export { DEFAULT_SESSION_LIMITS } from './session.ts'
export { isSessionId } from './session-id.ts'
export type { OpenedSession, SessionHandle, SessionTableOptions } from './session-table.ts'
export { SessionTable } from './session-table.ts'
export type { TokenLoginPorts } from './token-login.ts'
export { verifyTokenLogin } from './token-login.ts'
export { hotp, isTotpCode, TOTP_STEP_MS, TOTP_WINDOW } from './totp.ts'
export { isMappableUid, isUid } from './uid.ts'
export type { Zone, ZoneSwitches } from './zone.ts'
export {
  DEFAULT_ZONE_SWITCHES,
  decodeZone,
  encodeZone,
  isZoneName,
  readZone,
  TEMP_VALIDITY_MAX_S,
  ZONE_SPACE,
  zoneKey,
} from './zone.ts'
export type { ZoneAccount, ZoneToken } from './zone-account.ts'
export {
  decodeZoneAccount,
  encodeZoneAccount,
  isZoneLogin,
  isZoneTokenIdent,
  readZoneAccount,
  ZONE_ACCOUNT_SPACE,
  ZONE_COMMENT_MAX,
  ZONE_TOKENS_MAX,
  zoneAccountKey,
  zoneAccountsSpace,
} from './zone-account.ts'
export type { ZoneAccountPlan, ZoneContext } from './zone-account-plan.ts'
export {
  planAllowPasswdAuth,
  planCreateZoneAccount,
  planDeleteZoneAccount,
  planDeleteZoneAccounts,
  planDeleteZonePassword,
  planSetZonePassword,
} from './zone-account-plan.ts'
export type { CheckedZoneToken, ZoneCheckPorts } from './zone-check.ts'
export { checkZoneAuthPassword, checkZoneSecret, checkZoneToken } from './zone-check.ts'
export type { ConfiguredZone } from './zone-configured-plan.ts'
export { planConfigureZone, planReleaseZone } from './zone-configured-plan.ts'
export type { ZonePasswordHash } from './zone-password.ts'
export { hashZonePassword, ZONE_PASSWORD_MAX_BYTES } from './zone-password.ts'
export type { ZonePlan, ZoneSettings } from './zone-plan.ts'
export {
  dropZoneAccounts,
  planCreateZone,
  planRemoveZone,
  planSetZone,
} from './zone-plan.ts'
export type { ZoneSecretForm } from './zone-secret.ts'
export { zoneSecretForm } from './zone-secret.ts'
export type { ZoneSession } from './zone-session.ts'
export { zoneSessionOf, zoneSessionStands } from './zone-session.ts'
export {
  planChangeZoneToken,
  planCreateTempToken,
  planCreateZoneToken,
  planDeleteZoneToken,
} from './zone-token-plan.ts'
