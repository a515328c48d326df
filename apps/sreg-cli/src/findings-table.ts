/** Findings of a check for people: one a line, and below it what to do. */
import type { SecurityFinding } from '@secreg/protocol'
import { formatTable } from './table.ts'

export function formatFindings(findings: readonly SecurityFinding[]): string {
  return formatTable(
    ['Level', 'Check', 'Finding'],
    findings.flatMap(({ level, check, message, advice }) => [
      [level, check, message],
      ...(advice === undefined ? [] : [['', '', `  ${advice}`]]),
    ]),
  )
}
