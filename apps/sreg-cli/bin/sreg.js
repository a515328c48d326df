#!/usr/bin/env node
const { existsSync } = require('node:fs')
const { join } = require('node:path')

const built = join(__dirname, '../dist/hot.cjs')
if (existsSync(built)) {
  require(built)
} else {
  process.stderr.write('sreg: not built yet; run "npm run build" in the workspace root\n')
  process.exitCode = 6
}
