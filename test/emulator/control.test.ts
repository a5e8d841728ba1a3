import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { addFault, createPod, graphql, startWithCall } from './client.ts';

/** With any Host header, which fetch does not send. */
function statusFor(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}/__emulator/requests`, { headers }, (response) => {
      text(response).then(() => {
        resolve(response.statusCode ?? 0);
      }, reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

describe('the control API', () => {
  it('counts requests by their route, refused and faulty ones too', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call);
    await call('GET', `/v2/pods/${id}`);
    await call('GET', '/v2/pods/none');
    await call('GET', '/v2/catalog/gpus', { key: null });
    await addFault(call, { kind: 'status', status: 500, route: 'GET /v2/pods' });
    await call('GET', '/v2/pods');
    await graphql(call, '{ myself { id } }');
    expect((await call('GET', '/__emulator/requests')).body).toEqual({
      rest: {
        'POST /v2/pods': 1,
        'GET /v2/pods/{id}': 2,
        'GET /v2/catalog/gpus': 1,
        'GET /v2/pods': 1,
      },
      graphql: 1,
      proxy: 0,
    });
  });

  it('starts counting anew', async () => {
    const { call } = await startWithCall();
    await call('GET', '/v2/pods');
    expect((await call('DELETE', '/__emulator/requests')).status).toBe(204);
    expect((await call('GET', '/__emulator/requests')).body).toEqual({
      rest: {},
      graphql: 0,
      proxy: 0,
    });
  });

  it('needs no key', async () => {
    const { call } = await startWithCall({ apiKey: 'right' });
    expect((await call('GET', '/__emulator/pods', { key: null })).body).toEqual([]);
  });

  it('serves names of this machine only, so that no rebound name reaches it', async () => {
    const { emulator } = await startWithCall();
    const { port } = new URL(emulator.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`]) {
      expect(await statusFor(emulator.url, { host })).toBe(200);
    }
    for (const host of [
      'evil.example',
      `127.0.0.1.evil.example:${port}`,
      `localhost.evil:${port}`,
    ]) {
      expect(await statusFor(emulator.url, { host })).toBe(403);
    }
  });

  it('serves no web page, of whatever origin', async () => {
    const { emulator } = await startWithCall();
    for (const origin of ['https://evil.example', emulator.url, 'null']) {
      expect(await statusFor(emulator.url, { origin })).toBe(403);
    }
  });

  it('adds, lists and clears faults, one or all', async () => {
    const { call } = await startWithCall();
    const first = await addFault(call, { kind: 'hang', route: 'GET /v2/pods', times: 2 });
    const second = await addFault(call, { kind: 'malformed' });
    expect((await call('GET', '/__emulator/faults')).body).toMatchObject([
      { id: first, kind: 'hang', route: 'GET /v2/pods', times: 2, fired: 0 },
      { id: second, kind: 'malformed', fired: 0 },
    ]);
    expect((await call('DELETE', `/__emulator/faults/${first}`)).status).toBe(204);
    expect((await call('DELETE', `/__emulator/faults/${first}`)).status).toBe(404);
    expect((await call('DELETE', '/__emulator/faults')).status).toBe(204);
    expect((await call('GET', '/__emulator/faults')).body).toEqual([]);
  });

  it('tells everything that is wrong with a fault', async () => {
    const { call } = await startWithCall();
    const wrong = { kind: 'delay', ms: -1, times: 0, bogus: true };
    const { status, body } = await call('POST', '/__emulator/faults', { body: wrong });
    expect(status).toBe(400);
    const { errors } = body as { errors: string[] };
    expect(errors.join('\n')).toMatch(/\$\.ms/);
    expect(errors.join('\n')).toMatch(/\$\.times/);
    expect(errors.join('\n')).toMatch(/'bogus' not allowed/);
    expect((await call('POST', '/__emulator/faults', { body: { kind: 'none' } })).status).toBe(400);
  });

  it('holds a hundred faults and no more', async () => {
    const { call } = await startWithCall();
    for (let added = 0; added < 100; added += 1)
      await addFault(call, { kind: 'malformed', after: 1 });
    const { status } = await call('POST', '/__emulator/faults', { body: { kind: 'malformed' } });
    expect(status).toBe(400);
  });

  it('writes no line into the log of a pod that does not exist', async () => {
    const { call } = await startWithCall();
    const body = { lines: ['x'] };
    expect((await call('POST', '/__emulator/pods/none/logs', { body })).status).toBe(404);
  });
});
