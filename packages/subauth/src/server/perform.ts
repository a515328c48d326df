/** From a request to what its reply has besides an empty `error`. */
import { SubauthError } from '../errors.ts'
import { accountsReply, type ReplyFields, zonesReply } from '../wire/format-reply.ts'
import type { SubauthFields, SubauthRequest } from '../wire/request.ts'
import type { ManagedAccount, SubauthPort } from './port.ts'

const NOTHING: ReplyFields = Object.freeze({})

/** @throws what the port throws; SubauthError `ERR_SUBAUTH_LOGIN_FAILED` */
export async function perform(
  request: Exclude<SubauthRequest, { cmd: 'nop' }>,
  port: SubauthPort,
): Promise<ReplyFields> {
  switch (request.cmd) {
    case 'create-acct':
      await port.createAccount(request.zone, request.login)
      return NOTHING
    case 'delete-acct':
      await port.deleteAccount(request.zone, request.login)
      return NOTHING
    case 'create-token': {
      const wanted = { ...accountOf(request), ...commentOf(request) }
      const { token, ident } = await port.createToken(wanted)
      return { token, ident }
    }
    case 'delete-token':
      await port.deleteToken({ ...accountOf(request), ident: request.ident })
      return NOTHING
    case 'change-token': {
      const { ident } = request
      await port.changeToken({ ...accountOf(request), ident, ...commentOf(request) })
      return NOTHING
    }
    case 'set-passwd':
      await port.setPasswd({ ...accountOf(request), passwd: request.passwd })
      return NOTHING
    case 'delete-passwd':
      await port.deletePasswd(accountOf(request))
      return NOTHING
    case 'create-temp': {
      const { validity } = request
      const { token } = await port.createTemp({ ...accountOf(request), validity })
      return { token }
    }
    case 'login': {
      const accepted = await port.login({ ...accountOf(request), passwd: request.passwd })
      // Nothing but the word itself opens an account.
      if (accepted !== true) throw new SubauthError('LOGIN_FAILED')
      return NOTHING
    }
    case 'allow-passwd-auth':
      await port.allowPasswdAuth({ ...accountOf(request), allow: request.allow })
      return NOTHING
    case 'list-accts':
      return accountsReply(await port.accounts(loginOf(request)))
    case 'list-zones':
      return zonesReply(await port.zones())
  }
}

function accountOf(request: SubauthFields['delete-passwd']): ManagedAccount {
  const { zone, 'auth-passwd': authPasswd } = request
  return { zone, ...loginOf(request), ...(authPasswd === undefined ? {} : { authPasswd }) }
}

function loginOf({ login }: { readonly login?: string }): { readonly login?: string } {
  return login === undefined ? {} : { login }
}

function commentOf({ comment }: { readonly comment?: string }): { readonly comment?: string } {
  return comment === undefined ? {} : { comment }
}
