export type { Action, Role } from './action.ts'
export { ACTIONS, isRoleName, ROLES } from './action.ts'
export type * from './api.ts'
export type * from './audit-api.ts'
export type { AuditAction, AuditActor, AuditBody, AuditOutcome } from './audit-body.ts'
export { AUDIT_ACTIONS, AUDIT_OUTCOMES } from './audit-body.ts'
export type { Caller, Door, Proof } from './caller.ts'
export { DOORS, PROOFS } from './caller.ts'
export type * from './dialect.ts'
export type { Reason, SecregErrorCode, SecregErrorOptions, Status, StatusName } from './errors.ts'
export { isReason, REASONS, SecregError, STATUS } from './errors.ts'
export { LIMITS } from './limits.ts'
export type { MessageName, MessageType } from './message-type.ts'
export { MESSAGE_TYPE } from './message-type.ts'
export type { RequestName, RequestOf, SecretsRoute } from './messages.ts'
export type { Path } from './path.ts'
export { isAtOrBelow, isPath, parsePath, parsePrefix, RESERVED_CHARACTERS } from './path.ts'
export { decodeSegment, encodeSegment } from './segment.ts'
export type { StrictJson, StrictJsonFault } from './strict-json.ts'
export { readStrictJson } from './strict-json.ts'
export type { TypedValue, ValueInput, ValueType } from './value.ts'
export {
  decodeBase64,
  encodeBase64,
  formatValue,
  inferValueType,
  parseValue,
  parseValueType,
  VALUE_TYPES,
} from './value.ts'
