/** `sreg logout`: ends the session and removes it here, also when the daemon cannot be asked. */
import { connectRegistry } from '@secreg/client'
import { SecregError } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { forgetSession, loadSession } from '../session-file.ts'

export async function run(context: Context): Promise<undefined> {
  const { env } = context.io
  const session = loadSession(env, context.socket)
  if (session === undefined) {
    await context.print({ success: true }, () => '')
    await context.note('not logged in')
    return
  }
  forgetSession(env, context.socket)
  const registry = await connectRegistry({
    socket: context.socket,
    sessionId: session.session_id,
  })
  try {
    await registry.logout()
  } catch (error) {
    // The session has ended before: that is what was asked for.
    if (!SecregError.is(error) || error.statusName !== 'AuthFailed') throw error
  } finally {
    void registry.close()
  }
  await context.print({ success: true }, () => '')
}
