/**
 * A running program whose config is written anew while it runs.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { folderWith, type Sluice, start } from './program.ts'
import { until } from './wait.ts'

/** As much of a config as these tests look at. */
export interface Config {
  listeners: object[]
  [field: string]: unknown
}

/** Answers every request with this text. */
export const answering = (text: string): Config => ({
  listeners: [{ listen: '127.0.0.1:0', routes: [{ respond: text }] }],
  log: { format: 'off' },
})

/** `sluice run` with a config of its own folder. */
export class Reloadable {
  readonly folder: string
  readonly sluice: Sluice
  /** How often a reload has been told to have worked. */
  #reloads = 0

  constructor(t: TestContext, config: Config, args: string[] = []) {
    this.folder = folderWith({ 'sluice.config.json': JSON.stringify(config) })
    this.sluice = start(t, ['run', ...args], { cwd: this.folder })
  }

  /** Writes the config without asking for a reload. */
  write(config: object | string): void {
    const text = typeof config === 'string' ? config : JSON.stringify(config)
    writeFileSync(join(this.folder, 'sluice.config.json'), text)
  }

  async reloaded(): Promise<void> {
    this.#reloads++
    await until(
      () => (this.sluice.stderr.match(/^reloaded: /gm)?.length ?? 0) >= this.#reloads,
      `reload ${this.#reloads}`,
      30_000,
    )
  }

  async reload(config: object): Promise<void> {
    this.write(config)
    this.sluice.signal('SIGHUP')
    await this.reloaded()
  }

  /** Asks for a reload that is to fail; resolves with what was said about it. */
  async refuses(config: object | string): Promise<string> {
    const before = this.sluice.stderr.length
    this.write(config)
    this.sluice.signal('SIGHUP')
    await until(
      () => this.sluice.stderr.slice(before).includes('the old config goes on'),
      'the reload to be refused',
      30_000,
    )
    return this.sluice.stderr.slice(before)
  }
}
