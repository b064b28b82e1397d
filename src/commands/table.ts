/**
 * Text for terminals: columns, and nothing that a terminal takes for an order.
 */

/** Columns as wide as their widest cell, two spaces between them. Every row has as many cells as the first. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column].length)))
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  )
}

/** A terminal takes control characters for orders. */
export const printable = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '?')
