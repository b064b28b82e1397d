/**
 * What Linux tells about processes: CPU time, memory and children, read from /proc.
 * Strategy: plain synchronous reads of small files. A process that ends while it is being looked at counts as
 * nothing; a figure that is missing is 0, never a throw.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** The unit of /proc/PID/stat is USER_HZ, which Linux fixes at 100 on every machine Node runs on. */
const tickMicros = 10_000

export interface CpuTime {
  readonly userMicros: number
  readonly systemMicros: number
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** The fields of /proc/PID/stat behind the program's name, which may itself hold spaces and brackets. */
function statFields(pid: number | string): string[] {
  const text = read(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

/** The process and all that descend from it. */
export function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(statFields(name)[1])
    const siblings = childrenOf.get(parent)
    if (siblings) siblings.push(Number(name))
    else childrenOf.set(parent, [Number(name)])
  }
  const tree = [root]
  for (let index = 0; index < tree.length; index++) tree.push(...(childrenOf.get(tree[index]) ?? []))
  return tree
}

/** CPU time that the tree has used so far, its ended and awaited children included. */
export function cpuTime(root: number): CpuTime {
  let user = 0
  let system = 0
  for (const pid of processTree(root)) {
    const fields = statFields(pid)
    if (fields.length < 15) continue
    // proc(5): utime, stime, cutime, cstime are fields 14 to 17; three of them stand before our cut.
    user += Number(fields[11]) + Number(fields[13])
    system += Number(fields[12]) + Number(fields[14])
  }
  return { userMicros: user * tickMicros, systemMicros: system * tickMicros }
}

function sumOfStatus(root: number, key: string): number {
  const pattern = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm')
  let sum = 0
  for (const pid of processTree(root)) sum += Number(pattern.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
  return sum
}

/** The most resident memory the processes of the tree have had, in KB. */
export const peakKilobytes = (root: number) => sumOfStatus(root, 'VmHWM')

/** The resident memory of the tree now, in KB. */
export const residentKilobytes = (root: number) => sumOfStatus(root, 'VmRSS')

/**
 * CPU time spent on a core by anyone, in µs. Interrupt time is left out: the kernel books part of the loopback
 * work of our own processes there.
 */
export function coreBusyMicros(core: number): number {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(read('/proc/stat'))?.[1] ?? ''
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = line.split(' ').map(Number)
  return (user + nice + system + steal) * tickMicros
}

/** The cores this process may run on, as `0-3,8` spelled out. */
export function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s+(\S+)/m.exec(read('/proc/self/status'))?.[1] ?? ''
  const cores: number[] = []
  for (const range of list.split(',')) {
    const [first, last = first] = range.split('-').map(Number)
    for (let core = first; core <= last; core++) cores.push(core)
  }
  return cores.filter(Number.isInteger)
}

/** How many files a process may open at most once it has raised its own limit. */
export function openFilesMax(): number {
  const found = /^Max open files\s+\S+\s+(\S+)/m.exec(read('/proc/self/limits'))?.[1] ?? '0'
  return found === 'unlimited' ? 1_048_576 : Number(found)
}
