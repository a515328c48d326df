import { asText, createUpdater, fields, live, openStore, staticSource } from '@secreg/store'

// In production: registrySource(…), below. A static source is for tests and for moving to one.
const source = staticSource({
  '/web/db-url': 'postgres://db',
  '/web/port': '8080',
  '/web/key': 's3cret',
})

const store = await openStore({ source, secrets: ['/web/db-url', '/web/port', '/web/key'] })

// A handle never waits, and always gives the value that is active as far as is known.
const key = store.secret('/web/key')
export const first: string = key.text()

// An object that is made again when its secret changes, and closed when nothing uses the old one any more.
const pool = createUpdater(store.secret('/web/db-url'), (value) => {
  const url = asText(value)
  return { query: async (sql: string) => `${sql} at ${url}`, close: () => {} }
})
export const rows: string = await pool.use((pool) => pool.query('select 1'))

// Typed fields, once or live; decoders are functions or schemas of zod, valibot and others.
const config = await fields(
  store,
  { port: (value) => Number(asText(value)), url: { secret: 'db-url', as: live(asText) } },
  { prefix: '/web/' },
)
export const [port, url]: [number, string] = [config.port, config.url.get()]

await pool.close()
await store.close()
