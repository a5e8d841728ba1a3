/** Conditional and range requests against one strong ETag, and the name of a download. */
import type { IncomingHttpHeaders } from 'node:http';

export type WantedRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'unsatisfiable' }
  | { readonly kind: 'part'; readonly range: { readonly from: number; readonly to: number } };

/** 412 or 304 where If-Match or If-None-Match say so (RFC 9110 §13.2.2); null: answer in full. */
export function preconditionOf(headers: IncomingHttpHeaders, etag: string): 304 | 412 | null {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined && !tagsOf(ifMatch).some((tag) => tag === '*' || tag === etag)) {
    return 412;
  }
  const ifNoneMatch = headers['if-none-match'];
  const has = (tag: string) => tag === '*' || tag.replace(/^W\//, '') === etag;
  return ifNoneMatch !== undefined && tagsOf(ifNoneMatch).some(has) ? 304 : null;
}

/** Several ranges at once, other units and malformed ones are ignored, as RFC 9110 §14.2 allows. */
export function rangeOf(headers: IncomingHttpHeaders, etag: string, size: number): WantedRange {
  const ifRange = headers['if-range']?.toString();
  // A date never matches: there is no Last-Modified.
  if (ifRange !== undefined && ifRange.trim() !== etag) return { kind: 'whole' };
  const [, first = '', last = ''] = RANGE.exec(headers.range ?? '') ?? [];
  if (first === '') return last === '' ? { kind: 'whole' } : suffix(Number(last), size);
  if (last !== '' && Number(last) < Number(first)) return { kind: 'whole' };
  const from = Number(first);
  if (from >= size) return { kind: 'unsatisfiable' };
  const to = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return { kind: 'part', range: { from, to } };
}

const RANGE = /^bytes=\s*(\d*)-(\d*)\s*$/i;

function suffix(length: number, size: number): WantedRange {
  if (length === 0) return { kind: 'unsatisfiable' };
  // The last bytes of nothing cannot be written as a Content-Range.
  if (size === 0) return { kind: 'whole' };
  return { kind: 'part', range: { from: Math.max(0, size - length), to: size - 1 } };
}

function tagsOf(header: string): string[] {
  return header.split(',').map((tag) => tag.trim());
}

/** Content-Disposition with the path's last name: in ASCII, and as it is (RFC 6266, RFC 8187). */
export function attachmentOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).toWellFormed();
  const ascii = name.replaceAll(/[^A-Za-z0-9._ -]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
