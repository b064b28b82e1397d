/**
 * Node's own SQLite, loaded when a folder is opened and not before: most programs never need it.
 */
type Sqlite = typeof import('node:sqlite')

/** Throws when this Node was built without it. */
export function loadSqlite(): Sqlite {
  const { emitWarning } = process
  // Node 22 says on stderr that the module is experimental; whoever runs a proxy can do nothing about that.
  process.emitWarning = () => {}
  try {
    const sqlite = process.getBuiltinModule('node:sqlite') as Sqlite | undefined
    if (sqlite === undefined) throw new Error('this Node was built without node:sqlite')
    return sqlite
  } finally {
    process.emitWarning = emitWarning
  }
}
