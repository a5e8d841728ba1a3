/** Grafbase's gateway, a Rust program, with the configuration of the example. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { freePort } from '../../examples/supergraph/gateway.ts';
import { EXAMPLE_FOLDER } from '../../examples/supergraph/install.ts';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

/** 100 MB, so nobody gets it unasked. */
export const GRAFBASE_PACKAGE = '@grafbase/cli-x86_64-unknown-linux-musl@0.103.0';
const PROGRAM = join(
  EXAMPLE_FOLDER,
  'node_modules',
  GRAFBASE_PACKAGE.replace(/@[\d.]+$/, ''),
  'grafbase',
);
const START_MS = 30_000;

export const IS_GRAFBASE_MISSING = !existsSync(PROGRAM);

/** @returns its address, without a path */
export async function startGrafbase(urls: {
  readonly runpod: string;
  readonly experiments: string;
}): Promise<string> {
  const folder = makeFolder();
  const routers = fileURLToPath(new URL('../../examples/supergraph/routers/', import.meta.url));
  const config = readFileSync(join(routers, 'grafbase.toml'), 'utf8')
    .replaceAll('127.0.0.1:4000', new URL(urls.runpod).host)
    .replaceAll('127.0.0.1:4001', new URL(urls.experiments).host)
    .replaceAll('schema_path = "', `schema_path = "${routers}`);
  const configPath = join(folder, 'grafbase.toml');
  writeFileSync(configPath, config);
  const port = await freePort();
  const child = spawn(
    PROGRAM,
    ['--home', folder, 'dev', '--config', configPath, '--port', String(port)],
    { cwd: folder, env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let complaint = '';
  const keep = (chunk: Buffer) => (complaint += chunk.toString());
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const url = `http://127.0.0.1:${port}`;
  await until(
    'Grafbase listens',
    async () => {
      if (child.exitCode !== null) throw new Error(complaint);
      return fetch(`${url}/health`).then(
        () => true,
        () => false,
      );
    },
    START_MS,
  );
  return url;
}
