/**
 * Problems that the schema finds, in one flat list.
 * Strategy: the schema words its own faults; here a union is narrowed to the branch that was meant, and what
 * concerns several keys becomes one problem a key.
 */
import type { z } from 'zod'
import { fault, type Path, type Problem } from './problems.ts'
import { configSchema } from './schema.ts'

type Issue = z.core.$ZodIssue

/** Every fault of the schema; none means that the data is a config. */
export function schemaProblems(data: unknown): Problem[] {
  const result = configSchema.safeParse(data)
  if (result.success) return []
  const problems = result.error.issues.flatMap(issue => problemsOf(issue, []))
  return problems.filter((problem, index) => !isSecondWord(problem, problems) && !isRepeated(index, problems))
}

/** A key that is missing because it stands there misspelled is told once; so is a layer or a balancer that is not known. */
function isSecondWord({ path, message }: Problem, problems: readonly Problem[]): boolean {
  const isChoice = /^(?:an empty layer|write exactly one of)/.test(message)
  if (!isChoice && !message.startsWith('missing:')) return false
  const object = isChoice ? path : path.slice(0, -1)
  const key = path[path.length - 1]
  return problems.some(
    other =>
      other.message.startsWith('unknown key') &&
      samePath(other.path.slice(0, -1), object) &&
      (isChoice || other.message.endsWith(`did you mean "${key}"?`)),
  )
}

/** One value that breaks two rules of the schema gets the same words twice. */
function isRepeated(index: number, problems: readonly Problem[]): boolean {
  const { path, message } = problems[index]
  return problems.slice(0, index).some(other => other.message === message && samePath(other.path, path))
}

function samePath(one: Path, other: Path): boolean {
  return one.length === other.length && one.every((step, index) => step === other[index])
}

function problemsOf(issue: Issue, above: Path): Problem[] {
  const path: Path = [...above, ...(issue.path as (string | number)[])]
  switch (issue.code) {
    case 'unrecognized_keys': {
      const lines = issue.message.split('\n')
      return issue.keys.map((key, index) => fault([...path, key], lines[index], { at: 'key' }))
    }
    case 'invalid_key':
      return issue.issues.map(each => fault(path, each.message, { at: 'key' }))
    case 'invalid_union': {
      const meant = meantBranch(issue.errors)
      return meant ? meant.flatMap(each => problemsOf(each, path)) : [fault(path, issue.message)]
    }
    default:
      return [fault(path, issue.message)]
  }
}

/** The one branch whose type fits what was written, so that its faults and no others are worth telling. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const fitting = branches.filter(issues => !issues.some(wrongFromTheStart))
  return fitting.length === 1 ? fitting[0] : null
}

function wrongFromTheStart(issue: Issue): boolean {
  if (issue.path.length > 0) return false
  if (issue.code === 'invalid_union') return meantBranch(issue.errors) === null
  return issue.code === 'invalid_type'
}
