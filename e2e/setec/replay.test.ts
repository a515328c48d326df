/**
 * Traffic recorded from setec's own server, against daemon and gateway as processes. What is answered otherwise on purpose
 * is listed with the decision that it belongs to (`@secreg/setec`, README); nothing else may differ.
 */
import { fileURLToPath } from 'node:url'
import {
  cleanEnv,
  createTempHome,
  loadJsonLines,
  runNode,
  startNode,
  type TempHome,
} from '@secreg/testkit'
import { expect, test } from 'vitest'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const vectors = (name: string): string => here(`../../packages/setec/test/vectors/${name}`)

/** Steps whose answer is another one, by decision. */
const DECIDED: Readonly<Record<string, readonly string[]>> = {
  // Numbers go on after a delete: one that was used is never free again.
  Q4: ['create_version#15', 'create_version#16'],
  // A caller's mistake is 400 or 409, not 500.
  Q5: [
    'put#23',
    'put#24',
    'put#25',
    'T:server.TestServerStatus#07',
    'create_version#01',
    'create_version#02',
    'delete_version#07',
    'delete_version#08',
    'delete_version#10',
    'delete_version#12',
    'T:db.TestDeleteVersion#04',
    'internal_prefix#01',
    'internal_prefix#02',
    'audit#21',
  ],
  // No path is redirected to another.
  Q6: ['transport_paths#04', 'transport_paths#05'],
  // The path of the API is not decoded.
  Q7: ['transport_paths#12'],
  // Who is nobody gets 401.
  Q8: ['transport_headers#12', 'identity#03', 'identity#04', 'identity#05', 'identity#06'],
}
/** Of these, the recording itself accepts what is answered. */
const ACCEPTED = ['T:server.TestServerStatus#07', 'T:db.TestDeleteVersion#04']

/** Make the registry that each group of steps begins with; answers where it is. */
async function makeTemplate(home: TempHome): Promise<string> {
  const identities = loadJsonLines(vectors('identities.jsonl'))
  const env = cleanEnv({ STATE_DIR: home.path, IDENTITIES: JSON.stringify(identities) })
  await using server = startNode(here('serve.mjs'), [], { env, keepInput: true })
  await server.line(/^\{/, { timeoutMs: 60_000 })
  server.process.stdin?.end()
  expect(await server.exit, server.stderr()).toMatchObject({ code: 0 })
  return home.path
}

test('every recorded step is answered as setec does, but for what is decided', async () => {
  using home = createTempHome()
  const { stdout, stderr } = await runNode(
    vectors('replay.mjs'),
    ['--start', `node ${JSON.stringify(here('serve.mjs'))}`, '--level', 'compat'],
    { env: cleanEnv({ TEMPLATE: await makeTemplate(home) }), timeoutMs: 400_000 },
  )
  const lines = stdout.split('\n')
  const failed = lines.flatMap((line) => /^FAIL (\S+) /.exec(line)?.[1] ?? [])
  const decided = Object.values(DECIDED)
    .flat()
    .filter((id) => !ACCEPTED.includes(id))
  expect(failed.sort(), `${stdout}\n${stderr}`).toEqual(decided.sort())
  expect(stdout).toMatch(/\{ pass: 43\d, fail: 22, skip: 50 \}/)
}, 420_000)
