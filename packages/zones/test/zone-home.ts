/** Two zones with two accounts each, and what tests do with their secrets. */
import {
  checkZoneSecret,
  hashZonePassword,
  planCreateTempToken,
  planCreateZone,
  planCreateZoneAccount,
  planCreateZoneToken,
  planSetZonePassword,
  readZone,
  readZoneAccount,
  type ZoneSecretForm,
} from '@secreg/zones'
import { crypto, QuickHasher, Rows, when } from './support.ts'

export const key: Uint8Array = crypto.randomBytes(32)
export const context = { ...when, crypto, key }
export const ON = { allowPasswd: true, allowTokens: true, maxTempValidityS: 3600 }

/** Zones `mail` and `web`, with everything allowed, and in each the accounts `alice` and `bob`. */
export class ZoneHome {
  readonly rows = new Rows()
  readonly hasher = new QuickHasher()

  constructor() {
    for (const name of ['mail', 'web']) {
      this.rows.apply(planCreateZone(this.rows, name, ON, context))
      for (const login of ['alice', 'bob']) {
        this.rows.apply(planCreateZoneAccount(this.rows, name, login, context))
      }
    }
  }

  /** What a text is to an account, as at a login. */
  readonly check = (
    text: string,
    name = 'mail',
    login = 'alice',
    nowMs = when.nowMs,
  ): Promise<ZoneSecretForm | undefined> => {
    const zone = readZone(this.rows, name)
    const account = zone === undefined ? undefined : readZoneAccount(this.rows, zone, login)
    return checkZoneSecret(zone, account, text, { hasher: this.hasher, crypto, key, nowMs })
  }

  readonly issue = (comment?: string, name = 'mail', login = 'alice') => {
    const wanted = comment === undefined ? {} : { comment }
    const plan = planCreateZoneToken(this.rows, name, login, wanted, context)
    this.rows.apply(plan)
    return plan
  }

  readonly issueTemp = (validityS = 60, name = 'mail', login = 'alice') => {
    const plan = planCreateTempToken(this.rows, name, login, validityS, context)
    this.rows.apply(plan)
    return plan
  }

  readonly setPassword = async (password: string, name = 'mail', login = 'alice') => {
    const hash = await hashZonePassword(this.hasher, password)
    this.rows.apply(planSetZonePassword(this.rows, name, login, hash, context))
  }
}
