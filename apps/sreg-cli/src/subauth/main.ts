/** `subauth`: passwords and tokens of one's accounts in the zones of this machine. */
import { endWith } from '../end-with.ts'
import { processIo } from '../io.ts'
import type { Connect } from './client.ts'
import { runSubauth } from './run.ts'

const connect: Connect = async (path, timeoutMs) => {
  const { SubauthClient } = await import('@secreg/subauth/node')
  return await SubauthClient.connect({ path, timeoutMs })
}

await endWith(runSubauth(process.argv.slice(2), processIo(), connect))
