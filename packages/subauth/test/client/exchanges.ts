/** Exchanges in memory. */
import type { PacketExchange } from '@secreg/subauth'
import { answerPacket, type SubauthPort } from '@secreg/subauth/server'

/** To a server half over a port. */
export function exchangeWith(port: SubauthPort): PacketExchange {
  return {
    request: async (data) => (await answerPacket({ data }, port)).reply,
    close: async () => {},
  }
}

/** To a server that answers with what a function says, as text or as JSON. */
export function scripted(answer: (request: Record<string, unknown>) => unknown) {
  const asked: Record<string, unknown>[] = []
  let closed = 0
  const exchange: PacketExchange = {
    async request(packet) {
      const request = JSON.parse(new TextDecoder().decode(packet)) as Record<string, unknown>
      asked.push(request)
      const told = answer(request)
      return new TextEncoder().encode(typeof told === 'string' ? told : JSON.stringify(told))
    },
    async close() {
      closed++
    },
  }
  return { asked, exchange, closed: () => closed }
}
