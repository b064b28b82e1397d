/**
 * What came out, for people: a table by group, and the failures with their clauses.
 */
import type { Outcome, Verdict } from './play.ts'
import type { GroupOutcome } from './suite.ts'

const COLUMNS = ['group', 'required', 'unproven', 'optional', 'unproven'] as const

type Kind = Outcome['case']['kind']

const count = (outcomes: readonly Outcome[], kind: Kind, verdict?: Verdict): number =>
  outcomes.filter(each => each.case.kind === kind && (verdict === undefined || each.verdict === verdict))
    .length

function row(name: string, outcomes: readonly Outcome[]): string[] {
  const cells = (['required', 'optional'] as const).flatMap(kind => {
    const unproven = count(outcomes, kind, 'unproven')
    return [
      `${count(outcomes, kind, 'pass')} / ${count(outcomes, kind)}`,
      unproven === 0 ? '' : String(unproven),
    ]
  })
  return [name, ...cells]
}

/** Markdown, so that it can be put into a document as it is. */
export function table(title: string, groups: readonly GroupOutcome[]): string {
  const all = groups.flatMap(({ outcomes }) => outcomes)
  const rows = [
    [...COLUMNS],
    ...groups.map(({ group, outcomes }) => row(group.name, outcomes)),
    row('**all**', all),
  ]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map(cells => cells[column].length)))
  const lines = rows.map(
    cells => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`,
  )
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`
  return [`${title}: passed / run`, '', lines[0], rule, ...lines.slice(1)].join('\n')
}

export function failures(groups: readonly GroupOutcome[]): string[] {
  return groups.flatMap(({ group, outcomes }) =>
    outcomes
      .filter(({ verdict }) => verdict !== 'pass')
      .map(
        each =>
          `${each.verdict} ${each.case.kind}  ${group.name}: ${each.case.name}\n    ${each.case.clause}: ${each.seen}`,
      ),
  )
}
