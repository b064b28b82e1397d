/**
 * What SQLite and the file system complain of, sorted by what is to be done, and in words.
 */

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const BUSY = 5
const CORRUPT = 11
const NOT_A_DATABASE = 26

const primaryCode = (error: unknown): number => ((error as { errcode?: number }).errcode ?? 0) & 0xff

/** What lies there is no database, or no longer a whole one. */
export const isDamage = (error: unknown): boolean =>
  [CORRUPT, NOT_A_DATABASE].includes(primaryCode(error)) || error instanceof ForeignFormat

export const isBusy = (error: unknown): boolean => primaryCode(error) === BUSY

/** A database that this version did not write: it is left aside, not read. */
export class ForeignFormat extends Error {}

const WORDS: readonly (readonly [RegExp, string])[] = [
  [/ENOSPC|EDQUOT|database or disk is full/, 'the disk is full: make room, or allow the cache less'],
  [
    /EROFS|readonly database/,
    'it cannot be written: mount the file system for writing, or give the cache another folder',
  ],
  [/EACCES|EPERM/, 'this user may not write there: change the owner or the mode of the folder'],
  [/ENOTDIR|EEXIST/, 'there is a file in the place of the folder: give the cache another folder'],
  [
    /ENOENT/,
    'the folder cannot be made there: mount what is not mounted, mend the link, or give the cache another folder',
  ],
  [/EFBIG/, 'a file may not grow so large: raise the limit (ulimit -f)'],
  [/EMFILE|ENFILE/, 'too many files are open: raise the limit (ulimit -n)'],
  [
    /database is locked/,
    'another process has locked its database and does not go on: look for a stopped one',
  ],
  [/disk I\/O error|EIO/, 'reading or writing the disk fails: look at the messages of the kernel'],
]

/** What happened and what to do, on one line. */
export function faultWords(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replaceAll('\n', ' ')
  const words = WORDS.find(([pattern]) => pattern.test(message))?.[1]
  return words === undefined ? message : `${words} (${message})`
}
