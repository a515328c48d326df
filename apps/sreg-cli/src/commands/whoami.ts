/** `sreg whoami`. */
import type { Context } from '../context.ts'
import { formatPairs } from '../table.ts'

export async function run(context: Context): Promise<undefined> {
  const answer = await context.withRegistry('needed', (registry) => registry.whoami())
  const { roles, groups, boundary, restricted } = answer
  await context.print(answer, () =>
    formatPairs([
      ['User', answer.user],
      ['Account', answer.account],
      ['Roles', roles.join(', ')],
      ['Groups', groups.length === 0 ? undefined : groups.join(', ')],
      ['Second factor', answer.mfa ? 'yes' : 'no'],
      ['Proof', answer.proof],
      ['Token', answer.token],
      ['Boundary', boundary?.join(', ')],
      ['Good for', restricted === undefined ? undefined : 'setting up a second factor only'],
    ]),
  )
  if (restricted !== undefined) await context.note('run: sreg mfa enroll')
}
