// One table of results: a ratio, its floor, and the absolute figures behind it.
import { cpus } from 'node:os'

const rows = []

/** Record one result; `floor` is what DESIGN asks: at least for 'min', at most for 'max'. */
export function record(name, ratio, { floor, kind = 'min', figures }) {
  const met = floor === undefined ? undefined : kind === 'min' ? ratio >= floor : ratio <= floor
  rows.push({ name, ratio, floor, kind, met, figures })
  process.stderr.write(`${name}: ${ratio?.toFixed(2) ?? '-'} (${figures})\n`)
}

export function print() {
  const sign = { min: '≥', max: '≤' }
  console.log(`\nNode ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model.trim()}\n`)
  console.log('| what | ratio | floor | | figures |\n|---|---|---|---|---|')
  for (const { name, ratio, floor, kind, met, figures } of rows) {
    const bound = floor === undefined ? '' : `${sign[kind]} ${floor}`
    const verdict = met === undefined ? '' : met ? 'met' : '**missed**'
    console.log(`| ${name} | ${ratio?.toFixed(2) ?? ''} | ${bound} | ${verdict} | ${figures} |`)
  }
}
