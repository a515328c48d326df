/** Mutations of bytes, from a seed: the same seed makes the same ones. */

/** Whole numbers below a bound. */
export type Dice = (below: number) => number

/** A small generator (mulberry32), enough for tests and nothing else. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/**
 * Change some text at one to four places: a character replaced, left out or doubled, a piece left out, doubled or taken
 * from another text, or a word put in.
 *
 * @param others - texts that pieces are taken from
 * @param words - what is put in
 */
export function mutated(
  text: string,
  dice: Dice,
  others: readonly string[],
  words: readonly string[],
): string {
  let result = text
  for (let left = 1 + dice(4); left > 0; left--) {
    const at = dice(result.length + 1)
    const length = 1 + dice(16)
    const before = result.slice(0, at)
    const after = result.slice(at)
    switch (dice(7)) {
      case 0:
        result = before + String.fromCharCode(dice(256)) + after.slice(1)
        break
      case 1:
        result = before + after.slice(1)
        break
      case 2:
        result = before + after.slice(0, 1) + after
        break
      case 3:
        result = before + after.slice(length)
        break
      case 4:
        result = before + after.slice(0, length).repeat(1 + dice(3)) + after
        break
      case 5: {
        const other = others[dice(others.length)] as string
        const from = dice(other.length)
        result = before + other.slice(from, from + 4 * length) + after.slice(dice(2) * 4 * length)
        break
      }
      default:
        result = before + words[dice(words.length)] + after
    }
  }
  return result
}
