/** Text that clients hand back and do not read: base64url, of ASCII. */

const MAX_LENGTH = 200;

export function encodeOpaque(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Empty for what is too long or not of this form; `=` at the end is taken as well. */
export function decodeOpaque(opaque: string): string {
  if (opaque.length > MAX_LENGTH) return '';
  try {
    return atob(opaque.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    return '';
  }
}
