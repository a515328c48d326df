import {
  asText,
  Client,
  createUpdater,
  fieldSecrets,
  fields,
  live,
  openSetecStore,
} from '@secreg/setec'
import { startSetecServer } from '@secreg/setec/testing'

// In production: new Client('https://setec.example.com'). This server is for tests.
const server = await startSetecServer()
const client = new Client(server.url)

await client.put('web/db-url', 'postgres://one')
await client.createVersion('web/port', 7, '8080')

// Waits until every declared secret has a value; from then on reading never waits.
const config = { port: (value: Uint8Array) => Number(asText(value)), 'db-url': live(asText) }
const prefix = 'web/'
const store = await openSetecStore({ client, secrets: fieldSecrets(config, { prefix }) })
export const { port, 'db-url': url } = await fields(store, config, { prefix })
export const before: string = url.get()

// An object that is made again when its secret changes, and closed when nothing uses the old one any more.
const pool = createUpdater(await store.lookup('web/db-url'), (value) => {
  const at = asText(value)
  return { query: async (sql: string) => `${sql} at ${at}`, close: () => {} }
})

// Somebody rotates the secret; the store finds out at its next poll, or now.
const version = await client.put('web/db-url', 'postgres://two')
await client.activate('web/db-url', version)
await store.refresh()
export const after: string = url.get()
export const rows: string = await pool.use((pool) => pool.query('select 1'))

await pool.close()
await store.close()
await server.close()
