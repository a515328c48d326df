// Fails when a project depends on a project whose layer it may not use (arrows point one way),
// or when a `platform:neutral` package imports a Node.js module.
// The edges come from the Nx project graph, which reads each package.json.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Layer to the layers it may depend on. */
const ALLOWED = {
  base: ['base'],
  domain: ['base', 'domain'],
  state: ['base', 'domain', 'state'],
  service: ['base', 'domain', 'state', 'service'],
  door: ['base', 'domain', 'door'],
  support: ['support'],
  app: ['base', 'domain', 'state', 'service', 'door', 'support'],
  test: ['base', 'domain', 'state', 'service', 'door', 'support', 'app', 'test'],
}

const TESTKIT = '@secreg/testkit'

/** Subpath sources that may use Node.js inside a neutral package. */
const NODE_SUBPATHS = /\/src\/node(\.ts|\/)/

const file = '.nx/graph.json'
mkdirSync('.nx', { recursive: true })
execFileSync('npx', ['nx', 'graph', `--file=${file}`], { stdio: 'ignore' })
const { graph } = JSON.parse(readFileSync(file, 'utf8'))

const tagOf = (name, kind) =>
  graph.nodes[name].data.tags.find((tag) => tag.startsWith(`${kind}:`))?.slice(kind.length + 1)

const faults = []

for (const name of Object.keys(graph.nodes)) {
  const layer = tagOf(name, 'layer')
  if (!(layer in ALLOWED)) faults.push(`${name} has no known layer tag`)
}

for (const [from, edges] of Object.entries(graph.dependencies)) {
  for (const { target } of edges) {
    // What is private cannot be published with anything: only tests use it, and it uses none of ours.
    if (!(target in graph.nodes) || target === TESTKIT) continue
    const [a, b] = [tagOf(from, 'layer'), tagOf(target, 'layer')]
    if (!ALLOWED[a]?.includes(b)) faults.push(`${from} (${a}) must not depend on ${target} (${b})`)
  }
}

for (const [name, node] of Object.entries(graph.nodes)) {
  if (tagOf(name, 'platform') !== 'neutral') continue
  const folder = join(node.data.root, 'src')
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || NODE_SUBPATHS.test(path)) continue
    if (/from 'node:|import\('node:/.test(readFileSync(path, 'utf8'))) {
      faults.push(`${path}: a platform:neutral package must not import Node.js modules`)
    }
  }
}

for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1
