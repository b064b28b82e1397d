/**
 * Text on its way into a page.
 */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** For content and for attributes in quotes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, char => ENTITIES[char])
