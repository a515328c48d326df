/** Commands about the keys of the registry. */
import type { CommandSpec } from './spec.ts'

export const KEY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'rotate',
    summary: 'Make a new data key and seal every value anew under it',
    operands: [],
    options: [
      { name: 'wait', summary: 'wait until everything is sealed anew and the old bytes are gone' },
      { name: 'status', summary: 'only show how far it is' },
    ],
    notes: [
      'It goes on in the background, also after a restart. Nothing that clients see changes: neither values, versions',
      'nor revisions. The old keys are dropped once nothing uses them.',
    ],
    examples: ['rotate --wait', 'rotate --status'],
  },
]
