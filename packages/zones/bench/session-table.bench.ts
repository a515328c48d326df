import { nobleBackend } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { SessionTable } from '@secreg/zones'
import { bench, describe } from 'vitest'

/** A look-up of a session on the path of every request, among 10,000. */
describe('session look-up, 10,000 sessions', () => {
  const nowMs = () => performance.now()
  for (const crypto of [nodeBackend, nobleBackend]) {
    const table = new SessionTable({ nowMs, crypto })
    const ids = Array.from({ length: 10_000 }, (_, i) => {
      const accountId = (i >> 2).toString(16).padStart(32, '0')
      const details = { accountId, login: `u${i >> 2}`, roles: [], mfa: false }
      return table.open(details, table.epoch)?.id as string
    })
    const handle = table.handle()
    const first = ids[0] as string
    if (handle.resolve(first) !== table.touch(first)) throw new Error('the two look-ups differ')
    bench(`handle, the same id again (${crypto.name})`, () => {
      handle.resolve(first)
    })
    let i = 0
    bench(`touch, another id each time (${crypto.name})`, () => {
      table.touch(ids[i++ % ids.length] as string)
    })
  }
})
