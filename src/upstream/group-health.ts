/**
 * The health of a group: who judges each server, and the checks that ask them.
 * A group of one server has nothing to choose, so there only checks look at it, and only for the log.
 */
import type { ConnectServices } from './connect.ts'
import type { Group } from './group.ts'
import { Health } from './health.ts'
import { ServerCheck } from './server-check.ts'

export class GroupHealth {
  #checks: ServerCheck[] = []
  #healths: Health[] = []
  #warn: (line: string) => void = () => {}

  /** Null when nothing is to be judged. */
  static of(group: Group, services: ConnectServices): GroupHealth | null {
    const { health, check } = group.options
    const passive = health.failures > 0 && group.endpoints.length > 1
    return passive || check !== null ? new GroupHealth(group, services, passive) : null
  }

  private constructor(group: Group, services: ConnectServices, passive: boolean) {
    const { health, check, slowStartMs, name } = group.options
    const rules = { health: passive ? health : { ...health, failures: 0 }, check, slowStartMs }
    for (const endpoint of group.endpoints) {
      const judge = new Health(endpoint, rules, {
        deadlines: services.deadlines,
        random: Math.random,
        changed: () => group.changed(),
        warn: line => this.#warn(`upstream ${name}: ${line}`),
      })
      endpoint.health = judge
      this.#healths.push(judge)
      if (check === null) continue
      const report = (fault: string | null): void => judge.checked(fault)
      this.#checks.push(
        new ServerCheck(endpoint.address, check, group.options.resolveTtlMs, services, report),
      )
    }
  }

  start(warn: (line: string) => void): void {
    this.#warn = warn
    for (const check of this.#checks) check.start()
  }

  close(): void {
    for (const check of this.#checks) check.close()
    for (const health of this.#healths) health.close()
  }
}
