/** `sreg whoami`. */
import type { Context } from '../context.ts'
import { formatPairs } from '../table.ts'

export async function run(context: Context): Promise<undefined> {
  const answer = await context.withRegistry('needed', (registry) => registry.whoami())
  await context.print(answer, () =>
    formatPairs([
      ['User', answer.user],
      ['Account', answer.account],
      ['Roles', answer.roles.join(', ')],
      ['Second factor', answer.mfa ? 'yes' : 'no'],
      ['Proof', answer.proof],
    ]),
  )
}
