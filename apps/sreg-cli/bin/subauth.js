#!/usr/bin/env node
const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

const built = join(__dirname, '../dist/subauth/main.js')
if (existsSync(built)) {
  void import(pathToFileURL(built).href)
} else {
  process.stderr.write('subauth: not built yet; run "npm run build" in the workspace root\n')
  process.exitCode = 6
}
