/** How the administrator of a development home is reached without his password (DESIGN §9). */
import type { Logger } from '@secreg/host'
import type { RegistryApi } from '@secreg/protocol'
import { SecregError } from '@secreg/protocol'
import type { Registry } from '@secreg/registry'
import { isMappableUid } from '@secreg/zones'
import { type DevHome, saveDevToken } from './dev-home.ts'

/**
 * Give him a token, for clients that know nothing else, and the user who has started this, for those of this machine;
 * what he has already stays. Not where logins need a second factor.
 *
 * @param uid - of the user who has started it, if that is known
 */
export async function ensureDevAdministrator(
  registry: Registry,
  home: DevHome,
  log: Logger,
  uid: number | undefined = process.geteuid?.(),
): Promise<void> {
  if (registry.state !== 'unsealed') return
  const { login: username, password, token } = home.credentials
  const isStranger = uid !== undefined && isMappableUid(uid) && !registry.isMapped(uid)
  if (token !== undefined && !isStranger) return
  const peer = { door: 'internal', address: 'development home' } as const
  const answer = await registry.login(peer, { username, password })
  const session = registry.sessionHandle().resolve(answer.session_id ?? '')
  const caller = session === undefined ? undefined : registry.callerOf(session, peer)
  if (session === undefined || caller === undefined || caller.restricted !== undefined) return
  const api = registry.as(caller)
  if (token === undefined) await makeToken(api, home)
  // The last of it: it ends all sessions of the account, this one too.
  if (isStranger && (await isNow(api, username, uid, log))) return
  await registry.logout(caller, session)
}

async function makeToken(api: RegistryApi, home: DevHome): Promise<void> {
  const { secret } = await api.token({ op: 'create', boundary: 'full', label: 'admin.json' })
  if (secret !== undefined) saveDevToken(home, secret)
}

/** Map a uid to him, beside those that he has. */
async function isNow(api: RegistryApi, user: string, uid: number, log: Logger): Promise<boolean> {
  try {
    const { users = [] } = await api.user({ op: 'show', user })
    const uids = users.flatMap((each) => each.uids)
    await api.user({ op: 'uids', user, uids: [...uids, uid] })
    return true
  } catch (error) {
    // A disabled account of this home has it, for example: nothing else of the home is worse for that.
    if (!SecregError.is(error)) throw error
    log.warn('the user who has started this is not the administrator', { code: error.code })
    return false
  }
}
