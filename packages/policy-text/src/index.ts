/** @secreg/policy-text: policies as people write them; platform-neutral. */
export type { PolicyTextErrorCode } from './errors.ts'
export { PolicyTextError } from './errors.ts'
export { formatPolicyJson, formatPolicyToml } from './format.ts'
export type { PolicyText, PolicyTextFormat, PolicyTextOptions } from './parse-policy-text.ts'
export { POLICY_TEXT_FORMATS, parsePolicyText } from './parse-policy-text.ts'
export type { JsonObject, JsonValue } from './source-node.ts'
export { MAX_POLICY_TEXT_DEPTH, MAX_POLICY_TEXT_LENGTH } from './source-node.ts'
export type { TextPosition } from './text-position.ts'
