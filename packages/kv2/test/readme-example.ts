import { createKv2Client, Kv2Error, type Kv2Transport } from '@secreg/kv2'

// In production: createNodeTransport() of @secreg/kv2/node. This one is a server of one secret, for the example.
const versions: string[] = []
const transport: Kv2Transport = {
  async send({ method, url, body = '' }) {
    const current = versions.length
    const metadata = { created_time: '2026-01-01T00:00:00Z', deletion_time: '', destroyed: false }
    let [status, answer]: [number, object] = [404, { errors: [] }]
    if (method === 'POST') {
      const { data, options } = JSON.parse(body)
      if (options?.cas === current) {
        versions.push(JSON.stringify(data))
        ;[status, answer] = [200, { data: { version: current + 1, ...metadata } }]
      } else {
        const errors = ['check-and-set parameter did not match the current version']
        ;[status, answer] = [400, { errors }]
      }
    } else if (url.endsWith('/v1/secret/data/web/db') && current > 0) {
      const data = JSON.parse(versions[current - 1] ?? '')
      ;[status, answer] = [200, { data: { data, metadata: { version: current, ...metadata } } }]
    }
    return { status, headers: {}, body: new TextEncoder().encode(JSON.stringify(answer)) }
  },
}

const client = createKv2Client({
  url: 'https://openbao.example.com:8200',
  transport,
  auth: { token: 'hvs.example' },
})

const first = await client.write('web/db', { user: 'app', password: 'one' }, { cas: 0 })
console.log(first.version)
// 1

// Whoever writes says which version is replaced, so that nothing is lost.
try {
  await client.write('web/db', { user: 'app', password: 'two' }, { cas: 0 })
} catch (error) {
  if (!Kv2Error.is(error, 'ERR_KV2_CAS_MISMATCH')) throw error
  console.log(error.message)
  // write: the version is not the current one
}

const secret = await client.read('web/db')
if (secret.state === 'live') console.log(secret.data, secret.metadata.version)
// { user: 'app', password: 'one' } 1

// What is not there, deleted or destroyed is a result, and no path leads elsewhere.
console.log((await client.read('web/none')).state)
// absent
await client.read('web/../../sys/raw').catch((error) => console.log(error.code))
// ERR_KV2_INVALID_PATH

await client.close()
