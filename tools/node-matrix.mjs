// npm run node-matrix: the unit tests on every supported version of Node.js, from the same node_modules. Versions can be
// named: npm run node-matrix -- 22.23.3
import { arch, argv } from 'node:process'
import { run } from './run.mjs'
import { install } from './setup.mjs'

const VERSIONS = ['20.19.6', '22.23.3', '24.21.0']

const named = argv.slice(2)
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
  const { ok } = await run('npx', [...node, ...tests, '--reporter=dot'], { show: true })
  if (!ok) failed.push(version)
}
console.log(failed.length === 0 ? 'all versions passed' : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
