// npm run node-matrix: the unit tests on every supported version of Node.js, from the same node_modules. Versions and
// test files can be named: npm run node-matrix -- 22.23.3 packages/host
import { arch, argv } from 'node:process'
import { run } from './run.mjs'
import { install } from './setup.mjs'

const VERSIONS = ['20.19.6', '22.23.3', '24.21.0']

const isVersion = (arg) => /^\d+\.\d+\.\d+$/.test(arg)
const named = argv.slice(2).filter(isVersion)
const filters = argv.slice(2).filter((arg) => !isVersion(arg))
const failed = []
if (!(await install())) process.exit(1)
for (const version of named.length > 0 ? named : VERSIONS) {
  console.log(`\nNode.js ${version}`)
  const node = ['--yes', '-p', `node-linux-${arch}@${version}`, '--', 'node']
  const probe = await run('npx', [...node, '-p', 'process.versions.node'])
  // Without this a failed download could leave the tests to the Node.js that is installed.
  if (probe.output.trim().split('\n').at(-1) !== version) {
    console.error(`cannot get Node.js ${version}\n${probe.output}`)
    failed.push(version)
    continue
  }
  const tests = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.config.ts']
  const args = [...node, ...tests, ...filters]
  const { ok } = await run('npx', args, { show: true })
  if (!ok) failed.push(version)
}
console.log(failed.length === 0 ? 'all versions passed' : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
