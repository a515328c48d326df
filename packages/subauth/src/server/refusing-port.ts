/** A port that permits nothing. */
import { SubauthError } from '../errors.ts'
import type { SubauthPort } from './port.ts'

async function refuse(): Promise<never> {
  throw new SubauthError('NOT_PERMITTED')
}

/** Refuses everything with `NOT_PERMITTED`: what a port permits is put in its place. */
export const REFUSING_PORT: SubauthPort = Object.freeze({
  createAccount: refuse,
  deleteAccount: refuse,
  createToken: refuse,
  deleteToken: refuse,
  changeToken: refuse,
  setPasswd: refuse,
  deletePasswd: refuse,
  createTemp: refuse,
  login: refuse,
  allowPasswdAuth: refuse,
  accounts: refuse,
  zones: refuse,
})
