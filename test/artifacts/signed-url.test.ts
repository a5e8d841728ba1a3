import { expect, test } from 'vitest';
import { createUrlSigner, downloadPathOf, uploadPathOf } from '../../src/artifacts/signed-url.ts';
import type { UrlPurpose } from '../../src/artifacts/signed-url.ts';

const KEY = 'k'.repeat(43);
const START = 1_700_000_000_500;

function makeSigner(purpose: UrlPurpose = 'download', key = KEY) {
  const clock = { at: START };
  const signer = createUrlSigner({
    key,
    purpose,
    baseUrl: () => 'https://host.example/base/',
    now: () => clock.at,
  });
  return { signer, clock };
}

function partsOf(url: string) {
  const { pathname, searchParams } = new URL(url);
  return { path: pathname.replace('/base', ''), query: searchParams };
}

test('a signed URL is valid on its path until it expires', () => {
  const { signer, clock } = makeSigner();
  const { url, expiresAt } = signer.sign('/artifacts/a/b.bin', 60);
  expect(url).toMatch(
    /^https:\/\/host\.example\/base\/artifacts\/a\/b\.bin\?expires=1700000060&signature=[\w-]{43}$/,
  );
  expect(expiresAt).toBe(1_700_000_060_000);
  const { path, query } = partsOf(url);
  expect(signer.verify(path, query)).toBe('valid');
  clock.at = expiresAt - 1;
  expect(signer.verify(path, query)).toBe('valid');
  clock.at = expiresAt;
  expect(signer.verify(path, query)).toBe('expired');
});

test('a URL that was changed in any way is invalid, also once it is old', () => {
  const { signer, clock } = makeSigner();
  const { path, query } = partsOf(signer.sign('/artifacts/a/b.bin', 60).url);
  const expires = query.get('expires') ?? '';
  const signature = query.get('signature') ?? '';
  clock.at += 3_600_000;
  const verdictOf = (at: string, text: string) => signer.verify(at, new URLSearchParams(text));
  expect(verdictOf(path, `expires=${expires}&signature=${signature}`)).toBe('expired');
  for (const other of [
    '/artifacts/a/c.bin',
    '/artifacts/a/b.bin/',
    '/artifacts/a/%62.bin',
    '//artifacts/a/b.bin',
    '/artifacts/a/../a/b.bin',
    '/uploads/a',
    '',
  ]) {
    expect(verdictOf(other, `expires=${expires}&signature=${signature}`), other).toBe('invalid');
  }
  for (const text of [
    '',
    `expires=${Number(expires) + 9_999}&signature=${signature}`,
    `expires=0${expires}&signature=${signature}`,
    `expires=${expires}.0&signature=${signature}`,
    `expires=${expires}&signature=${signature}&x=1`,
    `expires=${expires}&expires=${expires}&signature=${signature}`,
    `expires=${expires}&signature=${signature.slice(1)}`,
    `expires=${expires}&signature=${signature.slice(1)}_`,
    `expires=${expires}&signature=${signature}=`,
    `expires=${expires}`,
    `signature=${signature}`,
  ]) {
    expect(verdictOf(path, text), text).toBe('invalid');
  }
  // Four last characters decode to the same bytes: one of them is ours.
  const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const taken = Array.from(last).filter(
    (it) =>
      verdictOf(path, `expires=${expires}&signature=${signature.slice(0, -1)}${it}`) !== 'invalid',
  );
  expect(taken).toEqual([signature.at(-1)]);
});

test('a download URL allows no upload, and another installation none of ours', () => {
  const { signer } = makeSigner('download');
  const { path, query } = partsOf(signer.sign('/uploads/a', 60).url);
  expect(makeSigner('upload').signer.verify(path, query)).toBe('invalid');
  expect(makeSigner('download', 'other'.repeat(10)).signer.verify(path, query)).toBe('invalid');
  expect(() => makeSigner('download', 'short')).toThrow('too short');
});

test('paths are signed in one spelling only', () => {
  const { signer } = makeSigner();
  const name = "Grün (1)*'!/../x";
  expect(downloadPathOf('id', `dir/${name}`)).toBe('/artifacts/id/x');
  expect(downloadPathOf('id', "a/Grün (1)*'!")).toBe('/artifacts/id/Gr%C3%BCn%20%281%29%2A%27%21');
  const { path, query } = partsOf(signer.sign(downloadPathOf('id', "Grün (1)*'!"), 60).url);
  expect(signer.verify(path, query)).toBe('valid');
  expect(signer.sign(uploadPathOf('x_-1'), 60).url).toContain('/uploads/x_-1?');
  for (const wrong of [
    'a',
    '/a/../b',
    '/a//b',
    '/a%2f',
    '/a%41',
    '/a b',
    '/a/',
    '/a?b',
    '/%FF',
    '/.',
  ]) {
    expect(() => signer.sign(wrong, 60), wrong).toThrow('not a canonical path');
  }
});
