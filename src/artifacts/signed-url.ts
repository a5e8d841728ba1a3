/**
 * URLs that are their own permission: who holds one may do one thing on one path until it expires.
 * The signature is an HMAC-SHA256 over purpose, path and expiry. Each purpose has a key of its own,
 * derived from the installation's (HKDF, RFC 5869), so that a download URL never allows an upload.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

export type UrlPurpose = 'download' | 'upload';
export type UrlVerdict = 'valid' | 'expired' | 'invalid';

export interface SignedUrl {
  readonly url: string;
  /** Epoch milliseconds, on a whole second. */
  readonly expiresAt: number;
}

export interface UrlSigner {
  /** @throws {TypeError} a path that proxies might rewrite: see {@link isCanonicalPath} */
  sign(path: string, ttlSeconds: number): SignedUrl;
  /** `path` as the request line has it, without query. */
  verify(path: string, query: URLSearchParams): UrlVerdict;
}

interface UrlSignerOptions {
  /** The installation's SIGNING_KEY. */
  readonly key: string;
  readonly purpose: UrlPurpose;
  /** Asked each time: the port is known only once the server listens. */
  readonly baseUrl: () => string;
  readonly now?: () => number;
}

const KEY_BYTES = 32;
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/;
const EXPIRY = /^[1-9]\d{0,11}$/;

export function createUrlSigner(options: UrlSignerOptions): UrlSigner {
  const { purpose, baseUrl, now = Date.now } = options;
  if (options.key.length < KEY_BYTES) throw new TypeError('the signing key is too short');
  const info = `runpod-subgraph signed url ${purpose}`;
  const key = Buffer.from(hkdfSync('sha256', options.key, '', info, KEY_BYTES));

  function signatureOf(path: string, expires: string): string {
    return createHmac('sha256', key).update(`${purpose}\n${path}\n${expires}`).digest('base64url');
  }

  return {
    sign(path, ttlSeconds) {
      if (!isCanonicalPath(path)) throw new TypeError(`not a canonical path: ${path}`);
      const expires = Math.floor(now() / 1_000) + ttlSeconds;
      const query = `expires=${expires}&signature=${signatureOf(path, String(expires))}`;
      const base = baseUrl().replace(/\/+$/, '');
      return { url: `${base}${path}?${query}`, expiresAt: expires * 1_000 };
    },
    verify(path, query) {
      const expires = query.get('expires') ?? '';
      const signature = query.get('signature') ?? '';
      // Exactly these two: a second `expires` would be read one way here and another elsewhere.
      if (query.size !== 2 || !EXPIRY.test(expires) || !SIGNATURE.test(signature)) return 'invalid';
      if (!isCanonicalPath(path)) return 'invalid';
      // As text: decoded, the last character would have four spellings.
      const isOurs = timingSafeEqual(
        Buffer.from(signature),
        Buffer.from(signatureOf(path, expires)),
      );
      if (!isOurs) return 'invalid';
      return now() < Number(expires) * 1_000 ? 'valid' : 'expired';
    },
  };
}

/**
 * One spelling only: absolute, without empty or dot segments, unreserved characters (RFC 3986 §2.3)
 * as they are and every other byte as %XX in capitals.
 */
function isCanonicalPath(path: string): boolean {
  if (path.length > 4_096 || !/^(\/([A-Za-z0-9._~-]|%[0-9A-F]{2})+)+$/.test(path)) return false;
  return path.split('/').every((name) => name !== '.' && name !== '..' && isOneSpelling(name));
}

function isOneSpelling(name: string): boolean {
  try {
    return encodePathSegment(decodeURIComponent(name)) === name;
  } catch {
    return false;
  }
}

/** One name of a path; `encodeURIComponent` leaves a few reserved characters as they are. */
export function encodePathSegment(name: string): string {
  return encodeURIComponent(name).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The path to sign for an artifact; its last name is what a browser would call the file. */
export function downloadPathOf(artifactId: string, artifactPath: string): string {
  const fileName = artifactPath.slice(artifactPath.lastIndexOf('/') + 1);
  return `/artifacts/${encodePathSegment(artifactId)}/${encodePathSegment(fileName)}`;
}

export function uploadPathOf(uploadId: string): string {
  return `/uploads/${encodePathSegment(uploadId)}`;
}
