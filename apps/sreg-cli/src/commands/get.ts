/** `sreg get`: the value and a newline on standard output, nothing else. */
import { decodeBase64 } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { safeJson } from '../escape.ts'
import { writeAll } from '../io.ts'

export async function run(context: Context): Promise<undefined> {
  const key = context.operand(0)
  const version = context.whole('version', 1)
  const answer = await context.withRegistry('needed', (registry) =>
    registry.get({
      key,
      decrypt: context.flag('decrypt'),
      ...(context.json || context.verbose ? { detail: true } : {}),
      ...(version === undefined ? {} : { version }),
    }),
  )
  const { stdout } = context.io
  const value = answer.value ?? null
  if (context.json) {
    await writeAll(stdout, `${safeJson({ key, ...answer, value })}\n`)
  } else if (value === null) {
    await context.note(`${key} is encrypted; --decrypt shows its value`)
  } else if (context.flag('raw')) {
    await writeAll(stdout, answer.type === 'bytes' ? decodeBase64(value) : value)
  } else {
    await writeAll(stdout, `${value}\n`)
  }
  if (context.verbose) {
    await context.note(
      `${answer.type}${answer.encrypted ? ', encrypted' : ''}, version ${answer.version} by ${answer.modified_by ?? 'unknown'}`,
    )
  }
}
