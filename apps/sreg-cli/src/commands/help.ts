/** `sreg help [command]`. */
import type { Context } from '../context.ts'
import { helpText } from '../help.ts'
import { writeAll } from '../io.ts'

export async function run(context: Context): Promise<undefined> {
  const { stdout } = context.io
  await writeAll(stdout, `${await helpText(context.invocation.operands, stdout.columns)}\n`)
}
