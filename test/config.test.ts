import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { ConfigError, readConfig, settingNames } from '../src/config.ts';

function faultsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}

test('nothing set gives the emulator on loopback', () => {
  const config = readConfig({});
  expect(config).toMatchObject({ host: '127.0.0.1', port: 4000, runpod: { kind: 'emulator' } });
});

test('every fault is told at once, with the variable, what it got and what it expects', () => {
  const faults = faultsOf({
    PORT: 'http',
    LOG_LEVEL: 'loud',
    RUNPOD_REST_URL: 'ftp://x',
    ALLOW_OPEN_NETWORK: 'maybe',
    PRICE_FRESH_SECONDS: '-1',
  });
  expect(faults).toHaveLength(5);
  expect(faults.join('\n')).toMatch(/PORT: got "http"; .*number/);
  expect(faults.join('\n')).toMatch(/LOG_LEVEL: got "loud"; .*"info"/);
  expect(faults.join('\n')).toMatch(/ALLOW_OPEN_NETWORK: got "maybe"; expected true or false/);
});

test('an open network without authentication is refused unless it is allowed', () => {
  expect(faultsOf({ HOST: '0.0.0.0' }).join()).toContain('ALLOW_OPEN_NETWORK');
  expect(faultsOf({ HOST: '0.0.0.0', ALLOW_OPEN_NETWORK: 'true' })).toEqual([]);
  expect(faultsOf({ HOST: '::1' })).toEqual([]);
});

test('a RunPod address without a key is refused: the emulator would answer instead', () => {
  expect(faultsOf({ RUNPOD_REST_URL: 'http://127.0.0.1:1' }).join()).toContain('RUNPOD_API_KEY');
});

test('a key that is no key is refused without being shown', () => {
  const faults = faultsOf({ RUNPOD_API_KEY: 'rpa secret\nvalue' }).join();
  expect(faults).toContain('RUNPOD_API_KEY');
  expect(faults).not.toContain('secret\\nvalue');
});

test('the hub’s address goes to pods, which show their environment: no credentials in it', () => {
  for (const userInfo of ['me:secret', ':secret', 'me']) {
    const faults = faultsOf({ HF_ENDPOINT: `https://${userInfo}@hub.example` });
    expect(faults.join()).toContain('HF_ENDPOINT');
  }
  expect(readConfig({ HF_ENDPOINT: 'https://hub.example' }).podEnvironment).toEqual({
    HF_ENDPOINT: 'https://hub.example',
  });
});

test('a Python for the emulator’s pods is an absolute path, and trains on the CPU', () => {
  expect(faultsOf({ EMULATOR_PYTHON: 'python3' }).join()).toContain('EMULATOR_PYTHON');
  const settings = { EMULATOR_PYTHON: '/opt/venv/bin/python' };
  expect(readConfig(settings).podEnvironment).toEqual({ TRAINER_DEVICE: 'cpu' });
  expect(readConfig({ ...settings, RUNPOD_API_KEY: 'any' }).podEnvironment).toEqual({});
});

test('an empty variable counts as absent', () => {
  expect(readConfig({ PORT: '', RUNPOD_API_KEY: '' })).toEqual(readConfig({}));
});

test('README.md explains every setting', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  expect(settingNames.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('routers are called back only together with a secret, at plain URLs', () => {
  const secret = 'sixteen-letters!';
  expect(faultsOf({ CALLBACK_URLS: 'https://router.example/callback' })).toHaveLength(1);
  const faulty = 'https://me:secret@router.example/callback,https://router.example/?x=1';
  const faults = faultsOf({ CALLBACK_URLS: faulty, ROUTER_SECRET: 'short secret' });
  expect(faults.join('\n')).toContain('ROUTER_SECRET: got a secret');
  expect(faults.join('\n')).toMatch(/CALLBACK_URLS: .*without user, query and fragment/);
  const urls = ['https://router.example/callback'];
  expect(readConfig({ CALLBACK_URLS: urls.join(), ROUTER_SECRET: secret }).callbacks).toEqual({
    urls,
    secret,
  });
  expect(readConfig({ ROUTER_SECRET: secret }).callbacks).toBeUndefined();
});

test('what waits for a slow reader is more than a socket takes at once: below, nothing tells that it was read', () => {
  const [fault] = faultsOf({ MAX_BUFFERED_BYTES: '65535' });
  expect(fault).toMatch(/MAX_BUFFERED_BYTES.*65536/);
  const { maxBufferedBytes } = readConfig({ MAX_BUFFERED_BYTES: '65536' });
  expect(maxBufferedBytes).toBeGreaterThanOrEqual(new Socket().writableHighWaterMark);
});
