import {
  PolicyTextError,
  type PolicyTextErrorCode,
  type PolicyTextFormat,
  parsePolicyText,
} from '@secreg/policy-text'

/** `code line:column` of a text that is refused; a text that is read gives its document. */
export function outcome(format: PolicyTextFormat, text: string): unknown {
  try {
    return parsePolicyText(text, { format }).document
  } catch (error) {
    if (!PolicyTextError.is(error)) throw error
    return refused(error.code, error.line, error.column)
  }
}

export function refused(code: PolicyTextErrorCode, line: number, column: number): string {
  return `${code} ${line}:${column}`
}

/** Where a pointer leads, as `line:column`. */
export function place(format: PolicyTextFormat, text: string, pointer: string): string {
  const { line, column } = parsePolicyText(text, { format }).locate(pointer)
  return `${line}:${column}`
}
