/** The work of reading an account, for those whom there is none of. Measured in bench/login-time.bench.ts. */
import { type Account, decodeAccount, encodeAccount } from './account.ts'
import { asHashedPassword } from './hashed-password.ts'

const DECOY: Account = Object.freeze({
  id: '0'.repeat(32),
  login: 'decoy-account',
  roles: Object.freeze(['user']),
  password: asHashedPassword(`$scrypt$ln=17,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`),
  createdAtMs: 1_700_000_000_000,
  modifiedAtMs: 1_700_000_000_000,
  disabled: false,
})
const DECOY_ROW = encodeAccount(DECOY)

/** Do what reading an account costs beyond a look-up that finds nothing. */
export function readDecoyAccount(): void {
  decodeAccount(DECOY_ROW, DECOY.id)
}
