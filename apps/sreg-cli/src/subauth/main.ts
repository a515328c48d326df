/** `subauth`: passwords and tokens of one's accounts in the zones of this machine. */
import { processIo } from '../io.ts'
import { runSubauth } from './run.ts'

process.exitCode = await runSubauth(process.argv.slice(2), processIo(), async (path, timeoutMs) => {
  const { SubauthClient } = await import('@secreg/subauth/node')
  return SubauthClient.connect({ path, timeoutMs })
})
