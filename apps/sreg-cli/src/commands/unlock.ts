/** `sreg unlock`: needs the passphrase, not a login. */
import type { Context } from '../context.ts'
import { readSecrets } from '../secrets.ts'

export async function run(context: Context): Promise<undefined> {
  const [passphrase = ''] = await readSecrets(context, [{ question: 'Passphrase' }])
  const answer = await context.withRegistry('none', (registry) =>
    registry.seal({ op: 'unlock', passphrase }),
  )
  await context.print(answer, () => '')
  if (context.verbose) await context.note(answer.state)
}
