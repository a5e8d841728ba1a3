import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';
import { createClock, startWithCall } from './client.ts';

/** A structured-field list as name → parameters. */
function read(header: string | null): Record<string, object> {
  return Object.fromEntries(
    parseList(header ?? '').map(([name, parameters]) => [
      name as string,
      Object.fromEntries(parameters),
    ]),
  );
}

const TWO = { perMinute: 2, perHour: 3, perDay: 100 };

describe('a client under a rate limit', () => {
  it('is told in every authenticated answer what is left and when it comes back', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    const { headers } = await call('GET', '/v2/pods');
    expect(read(headers.get('ratelimit-policy'))).toEqual({
      minute: { q: 6_000, w: 60 },
      hour: { q: 100_000, w: 3_600 },
      day: { q: 1_000_000, w: 86_400 },
    });
    expect(read(headers.get('ratelimit'))).toMatchObject({ minute: { r: 5_999, t: 60 } });
    const refused = await call('GET', '/v2/pods/none');
    expect(refused.status).toBe(404);
    expect(read(refused.headers.get('ratelimit'))).toMatchObject({ minute: { r: 5_998 } });
  });

  it('is told nothing without a key', async () => {
    const { call } = await startWithCall();
    const { headers } = await call('GET', '/v2/pods', { key: null });
    expect(headers.get('ratelimit')).toBeNull();
  });

  it('gets 429 and the seconds to wait when a window is used up, and is served after them', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now, rateLimit: TWO });
    await call('GET', '/v2/pods');
    clock.advance(20_000);
    await call('GET', '/v2/pods');
    const refused = await call('GET', '/v2/pods');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('40');
    expect(refused.body).toMatchObject({ detail: 'rate limit exceeded for the minute window' });
    expect(read(refused.headers.get('ratelimit'))).toMatchObject({ minute: { r: 0, t: 40 } });
    clock.advance(40_000);
    expect((await call('GET', '/v2/pods')).status).toBe(200);
    const hourly = await call('GET', '/v2/pods');
    expect(hourly.body).toMatchObject({ detail: 'rate limit exceeded for the hour window' });
  });

  it('has no limit and no headers where it is switched off', async () => {
    const { call } = await startWithCall({ rateLimit: null });
    const { headers } = await call('GET', '/v2/pods');
    expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([null, null]);
  });
});
