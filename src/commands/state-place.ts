/**
 * Where the program that serves a config can be asked: the folder, the name of its socket, and what tells configs
 * apart. Strategy: the folder is the lock. It must be ours and closed to everyone else, so who connects is this user,
 * and who answers is, too.
 */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { ConfigData } from '../config/schema.ts'

/** Folders in which the socket may stand, in this order: a login may have one that a service of the same user has not. */
export function stateFolders(environment: NodeJS.ProcessEnv): string[] {
  const uid = process.getuid?.()
  // Without users there is no file that is one user's alone.
  if (uid === undefined) return []
  const runtime = environment['XDG_RUNTIME_DIR'] ?? ''
  // That of somebody else is often still named after a change of the user.
  const ours = isAbsolute(runtime) && statSync(runtime, { throwIfNoEntry: false })?.uid === uid
  return [...(ours ? [join(runtime, 'sluice')] : []), join(tmpdir(), `sluice-${uid}`)]
}

/** Null when it is as it must be, or is not there; else why it is not used. */
export function folderFault(folder: string): string | null {
  let found: ReturnType<typeof lstatSync>
  try {
    found = lstatSync(folder)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? null : message
  }
  // Not `stat`: behind a link stands what somebody else has chosen.
  if (!found.isDirectory()) return `${folder} is not a folder`
  if (found.uid !== process.getuid?.()) return `${folder} belongs to another user (${found.uid})`
  if ((found.mode & 0o077) !== 0) return `${folder} is open to other users: chmod 700 ${folder}`
  return null
}

/** The first folder that can be had, made if need be. Throws an Error that says why there is none. */
export function openFolder(folders: readonly string[]): string {
  let fault = 'there is no folder for it'
  for (const folder of folders) {
    try {
      mkdirSync(folder, { mode: 0o700 })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      fault = message
      // Nowhere to make it: the next may do. One that is there is looked at.
      if (code !== 'EEXIST') continue
    }
    const foreign = folderFault(folder)
    if (foreign !== null) throw new Error(foreign)
    return folder
  }
  throw new Error(fault)
}

/** The name of the socket of the program that serves this config, whatever way leads to the file. */
export function socketName(configFile: string): string {
  return `${sha256(realPathOf(configFile)).slice(0, 16)}.sock`
}

/** A file that is gone by now keeps the name it was read by. */
function realPathOf(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

/** Equal for configs that say the same. */
export function digestOf(config: ConfigData): string {
  return sha256(JSON.stringify(config))
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
