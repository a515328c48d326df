/** `sreg version`. */
import type { Context } from '../context.ts'
import { VERSION } from '../version.ts'

export async function run(context: Context): Promise<undefined> {
  await context.print({ version: VERSION }, () => `sreg ${VERSION}`)
}
