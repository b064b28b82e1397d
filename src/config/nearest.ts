/**
 * The known word nearest to a misspelled one, for "did you mean".
 * Strategy: edit distance with swapped neighbours (optimal string alignment); a word is offered only when at
 * most a third of it is wrong, because a far-fetched guess sends people the wrong way.
 */

/** Null when no known word is near. Ties go to the word that is named first. */
export function nearest(word: string, known: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    const allowed = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3))
    if (distance > allowed || distance >= bestDistance || distance >= candidate.length) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

/** `did you mean "servers"?`, or `known here: a, b` when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const guess = nearest(word, known)
  if (guess !== null) return `did you mean "${guess}"?`
  return known.length === 0 ? 'nothing is known here' : `known here: ${known.join(', ')}`
}

/** Insertions, removals, replacements and swaps of neighbours that turn one word into the other. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const line = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let cost = Math.min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (same ? 0 : 1))
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        cost = Math.min(cost, beforeLast[column - 2] + 1)
      }
      line.push(cost)
    }
    beforeLast = last
    last = line
  }
  return last[to.length]
}
