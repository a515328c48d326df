/** Counts in a file: `yaml-writer PATH NAME TIMES`. Says `ready`, and starts with the first byte of its input. */
import { ProviderError, parseSecretUri, writeSecret } from '@secreg/secrets-api'
import { YamlProvider } from '@secreg/secrets-api/node'

const [path = '', name = '', times = '0'] = process.argv.slice(2)
const provider = new YamlProvider({ path, environment: 'test', lockTimeoutMs: 60_000 })
const uri = parseSecretUri('yaml://secret/shared')
let conflicts = 0

async function untilDone(run: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await run()
      return
    } catch (error) {
      if (!ProviderError.is(error, 'CAS_MISMATCH')) throw error
      conflicts++
    }
  }
}

process.stdout.write('ready\n')
process.stdin.once('data', async () => {
  process.stdin.destroy()
  for (let at = 0; at < Number(times); at++) {
    // One half by the state that was read, one half by the operation that tries again by itself.
    await untilDone(async () => {
      const current = await provider.read(uri)
      const data = new Map(current.kind === 'found' ? current.data : [])
      data.set('count', Number(data.get('count') ?? 0) + 1)
      await provider.write(uri, data, { cas: current.token })
    })
    const own = parseSecretUri(`yaml://secret/shared#${name}-${at}`)
    await untilDone(() => writeSecret(provider, own, at, { subject: name, nowMs: 0 }))
  }
  process.stdout.write(`done ${conflicts}\n`)
})
