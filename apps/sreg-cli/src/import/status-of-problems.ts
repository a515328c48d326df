/** How an import ends that had problems and went on. */
import { REASONS, type Reason, STATUS, type Status } from '@secreg/protocol'

/** Exit code: that of a conflict, else of a denial, else of the first problem. */
export function statusOfProblems(problems: readonly { readonly reason: Reason }[]): Status {
  const statuses = problems.map(({ reason }) => STATUS[REASONS[reason].status])
  return ORDER.find((status) => statuses.includes(status)) ?? statuses[0] ?? STATUS.Success
}

const ORDER: readonly Status[] = Object.freeze([STATUS.AlreadyExists, STATUS.AccessDenied])
