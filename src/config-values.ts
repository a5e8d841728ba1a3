/** How settings are written, as text of the environment. */
import { z } from 'zod';

export const port = z.coerce.number().int().min(0).max(65_535);
export const seconds = (min: number, max: number) => z.coerce.number().min(min).max(max);
export const GIB = 1024 ** 3;
export const bytes = z.coerce
  .number()
  .int()
  .min(1_024)
  .max(2 ** 50);
export const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http(s) URL' });
/** Where a router is called back: nothing of it may be more than where it is. */
export const callbackUrl = httpUrl.refine(
  (url) => {
    const { username, password, search, hash } = new URL(url);
    return [username, password, search, hash].every((part) => part === '');
  },
  { error: 'expected URLs without user, query and fragment' },
);
export const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'expected true or false' })
  .transform((text) => text === 'true' || text === '1');
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);
