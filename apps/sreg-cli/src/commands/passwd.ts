/** `sreg passwd`: change one's own password. */
import type { Context } from '../context.ts'
import { readSecrets } from '../secrets.ts'

export async function run(context: Context): Promise<undefined> {
  const [old_password = '', new_password = ''] = await readSecrets(context, [
    { question: 'Old password' },
    { question: 'New password', again: 'New password again' },
  ])
  const answer = await context.withRegistry('needed', (registry) =>
    registry.password({ old_password, new_password }),
  )
  await context.print(answer, () => '')
}
