/**
 * A gateway is large (about 550 MB on disk), so this example has packages of its own, which are
 * installed when it is first used.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const EXAMPLE_FOLDER = fileURLToPath(new URL('.', import.meta.url));

interface PackageFile {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function readPackage(path: string): PackageFile {
  return JSON.parse(readFileSync(`${EXAMPLE_FOLDER}${path}/package.json`, 'utf8')) as PackageFile;
}

/** Whether every package of the example is there, in the version that is pinned. */
export function isInstalled(): boolean {
  return Object.entries(readPackage('.').dependencies ?? {}).every(([name, version]) => {
    const path = `node_modules/${name}`;
    return existsSync(`${EXAMPLE_FOLDER}${path}`) && readPackage(path).version === version;
  });
}

/** @throws {Error} saying what to do */
export async function install(say: (line: string) => void): Promise<void> {
  if (isInstalled()) return;
  say('The gateway is not installed yet: `npm ci` in examples/supergraph fetches it (about 550 MB');
  say('on disk, a minute or so, once). Nothing outside that folder is touched.');
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: EXAMPLE_FOLDER,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  const [code] = (await once(npm, 'close')) as [number | null];
  if (code !== 0 || !isInstalled()) {
    throw new Error(
      'The gateway could not be installed. Run `npm ci` in examples/supergraph and read what it says; then come again.',
    );
  }
}
