/** The text format of Prometheus, read back. */

export interface ExposedMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  /** Names of labels of its lines; those of a histogram without `le`. */
  readonly labels: ReadonlySet<string>
  /** Values of labels, as `label="value"`. */
  readonly words: ReadonlySet<string>
}

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g

/** @throws Error for a line that is none of the format */
export function parseExposition(text: string): ReadonlyMap<string, ExposedMetric> {
  type Mutable = ExposedMetric & { type: string; labels: Set<string>; words: Set<string> }
  const found = new Map<string, Mutable>()
  for (const line of text.split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      found.set(name, { name, help: rest, type: '', labels: new Set(), words: new Set() })
    } else if (keyword === 'TYPE') {
      const metric = found.get(name)
      if (metric === undefined) throw new Error(`no help before ${line}`)
      metric.type = rest
    } else if (line !== '') {
      const [, full = '', labels = '', value] = LINE.exec(line) ?? []
      const metric = found.get(full) ?? found.get(full.replace(/_(?:bucket|sum|count)$/, ''))
      if (metric === undefined || !(value === '+Inf' || Number.isFinite(Number(value)))) {
        throw new Error(`not a line of the format: ${line}`)
      }
      for (const [word, label = ''] of labels.matchAll(LABEL)) {
        if (label === 'le' && metric.type === 'histogram') continue
        metric.labels.add(label)
        metric.words.add(word)
      }
    }
  }
  return found
}
