/** Model of one key of a registry: a value with a version, check-and-set, and deletion that keeps counting. */
import type { Operation, SequentialModel } from './linearizability.ts'

export type RegisterInput =
  | { readonly op: 'get' }
  | {
      readonly op: 'set'
      readonly value: string
      /** Set only if this is the latest version that was ever made, deleted or not; 0 when there was none. */
      readonly ifVersion?: number
    }
  | { readonly op: 'delete' }

/**
 * `get`: value and version, or `absent`. `set`: the version made, or `conflict`. `delete`: the version deleted, where
 * it is told, or `absent`.
 */
export type RegisterOutput =
  | { readonly value?: string; readonly version?: number }
  | 'absent'
  | 'conflict'

export interface RegisterState {
  /** Latest version that was ever made; 0 when there was none. */
  readonly latest: number
  /** `undefined` while there is none, or it is deleted. */
  readonly value: string | undefined
}

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>

export const VERSIONED_REGISTER: SequentialModel<RegisterState, RegisterInput, RegisterOutput> =
  Object.freeze({
    init: () => ({ latest: 0, value: undefined }),
    step,
    identify: ({ latest, value }: RegisterState) =>
      value === undefined ? `${latest}` : `${latest} ${JSON.stringify(value)}`,
    isRead: ({ op }: RegisterInput, output: RegisterOutput | undefined) =>
      op === 'get' || typeof output === 'string',
  })

function step(
  state: RegisterState,
  input: RegisterInput,
  output: RegisterOutput | undefined,
): RegisterState | undefined {
  const { after, answer } = run(state, input)
  return output === undefined || agrees(output, answer) ? after : undefined
}

function run(
  state: RegisterState,
  input: RegisterInput,
): { after: RegisterState; answer: RegisterOutput } {
  const { latest, value } = state
  switch (input.op) {
    case 'get':
      return { after: state, answer: value === undefined ? 'absent' : { value, version: latest } }
    case 'set': {
      const { ifVersion = latest } = input
      if (ifVersion !== latest) return { after: state, answer: 'conflict' }
      const version = latest + 1
      return { after: { latest: version, value: input.value }, answer: { version } }
    }
    case 'delete':
      if (value === undefined) return { after: state, answer: 'absent' }
      return { after: { latest, value: undefined }, answer: { version: latest } }
  }
}

/** Whether everything that was told is so. */
function agrees(told: RegisterOutput, answer: RegisterOutput): boolean {
  if (typeof told === 'string' || typeof answer === 'string') return told === answer
  return (
    (told.value === undefined || told.value === answer.value) &&
    (told.version === undefined || told.version === answer.version)
  )
}
