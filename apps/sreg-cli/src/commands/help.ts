/** `sreg help [command]`. */
import type { Context } from '../context.ts'
import { writeAll } from '../io.ts'

export async function run(context: Context): Promise<undefined> {
  const { stdout } = context.io
  const { helpText } = await import('../help.ts')
  await writeAll(stdout, `${await helpText(context.invocation.operands, stdout.columns)}\n`)
}
