/**
 * The lines in which two texts differ: E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), greedy, on
 * numbers that stand for lines, between the common beginning and end. Where the shortest script would cost too much,
 * everything between them is replaced.
 */

/** A line of both texts, of the first only, or of the second only. */
export interface DiffLine {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/** Longest script that is looked for: its search keeps about 4 × MAX_EDITS² bytes. */
const MAX_EDITS = 1500
/** Comparisons of lines. */
const MAX_STEPS = 50_000_000

/** Compare lines. The result read without `+` is the first text, without `-` the second. */
export function diffLines(from: readonly string[], to: readonly string[]): DiffLine[] {
  const [a, b] = numbered(from, to)
  const least = Math.min(a.length, b.length)
  let start = 0
  while (start < least && a[start] === b[start]) start++
  let end = 0
  while (end < least - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const middle = script(a.subarray(start, a.length - end), b.subarray(start, b.length - end))
  const lines: DiffLine[] = []
  let [x, y] = [0, 0]
  const both = (count: number): void => {
    for (let i = 0; i < count; i++, x++, y++) lines.push({ sign: ' ', text: from[x] ?? '' })
  }
  both(start)
  for (const sign of middle) {
    if (sign === ' ') both(1)
    else if (sign === '-') lines.push({ sign, text: from[x++] ?? '' })
    else lines.push({ sign, text: to[y++] ?? '' })
  }
  both(end)
  return lines
}

/** Equal lines become equal numbers. */
function numbered(...texts: (readonly string[])[]): [Int32Array, Int32Array] {
  const numbers = new Map<string, number>()
  const [a, b] = texts.map((lines) =>
    Int32Array.from(lines, (line) => {
      const known = numbers.get(line)
      if (known !== undefined) return known
      numbers.set(line, numbers.size)
      return numbers.size - 1
    }),
  )
  return [a ?? new Int32Array(), b ?? new Int32Array()]
}

function script(a: Int32Array, b: Int32Array): DiffLine['sign'][] {
  const trace = a.length === 0 || b.length === 0 ? undefined : search(a, b)
  if (trace !== undefined) return backtrack(trace, a.length, b.length)
  return [...Array<'-'>(a.length).fill('-'), ...Array<'+'>(b.length).fill('+')]
}

/**
 * Furthest points on each diagonal after 0, 1, 2 … edits until the end is reached: element `d` has diagonals -d to d.
 * `undefined` when that would cost too much.
 */
function search(a: Int32Array, b: Int32Array): Int32Array[] | undefined {
  const most = Math.min(a.length + b.length, MAX_EDITS)
  const origin = most + 1
  const furthest = new Int32Array(2 * most + 3)
  const trace: Int32Array[] = []
  let steps = 0
  for (let d = 0; d <= most; d++) {
    for (let k = -d; k <= d; k += 2) {
      const below = furthest[origin + k + 1] ?? 0
      const left = furthest[origin + k - 1] ?? 0
      let x = k === -d || (k !== d && left < below) ? below : left + 1
      const begun = x
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      furthest[origin + k] = x
      steps += x - begun + 1
      if (x >= a.length && x - k >= b.length) return trace
    }
    if (steps > MAX_STEPS) return undefined
    trace.push(furthest.slice(origin - d, origin + d + 1))
  }
  return undefined
}

function backtrack(
  trace: readonly Int32Array[],
  width: number,
  height: number,
): DiffLine['sign'][] {
  const signs: DiffLine['sign'][] = []
  let [x, y] = [width, height]
  for (let d = trace.length; d > 0; d--) {
    const at = (k: number): number => trace[d - 1]?.[k + d - 1] ?? 0
    const k = x - y
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1))
    const fromX = down ? at(k + 1) : at(k - 1)
    const fromY = fromX - (down ? k + 1 : k - 1)
    while (x > fromX && y > fromY) {
      signs.push(' ')
      x--
      y--
    }
    signs.push(down ? '+' : '-')
    x = fromX
    y = fromY
  }
  for (; x > 0; x--) signs.push(' ')
  return signs.reverse()
}

/** Lines of both texts around what differs. */
const CONTEXT = 3

/**
 * Write the differences as the hunks of a unified diff, without its two lines of file names; empty when there are none.
 */
export function formatHunks(lines: readonly DiffLine[]): string[] {
  const hunks: string[] = []
  // Numbers of the next line in the first and in the second text.
  let [from, to] = [1, 1]
  let index = 0
  while (index < lines.length) {
    let next = index
    while (next < lines.length && lines[next]?.sign === ' ') next++
    if (next === lines.length) break
    const begin = Math.max(index, next - CONTEXT)
    from += begin - index
    to += begin - index
    const end = endOfHunk(lines, next)
    const hunk = lines.slice(begin, end)
    const [left, right] = [count(hunk, '+'), count(hunk, '-')]
    hunks.push(`@@ -${range(from, left)} +${range(to, right)} @@`)
    for (const { sign, text } of hunk) hunks.push(sign + text)
    from += left
    to += right
    index = end
  }
  return hunks
}

/** A hunk goes on while the next difference is so near that their surroundings touch. */
function endOfHunk(lines: readonly DiffLine[], first: number): number {
  let last = first
  for (let at = first; at < lines.length && at <= last + 2 * CONTEXT + 1; at++) {
    if (lines[at]?.sign !== ' ') last = at
  }
  return Math.min(lines.length, last + CONTEXT + 1)
}

const count = (lines: readonly DiffLine[], without: '-' | '+'): number =>
  lines.reduce((sum, { sign }) => sum + (sign === without ? 0 : 1), 0)

/** `start,count`; an empty range names the line before it. */
function range(start: number, lines: number): string {
  if (lines === 1) return String(start)
  return `${lines === 0 ? start - 1 : start},${lines}`
}
