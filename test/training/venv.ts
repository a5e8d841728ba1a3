/** A Python environment with exactly what `agent/requirements-trl.txt` pins: made once, then reused. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const REQUIREMENTS = join(ROOT, 'agent/requirements-trl.txt');
/** Git-ignored; several gigabytes. */
const DEFAULT_FOLDER = join(ROOT, '.venv-training');
/** Gigabytes; the gate has no more to spare. */
const PIP_MS = 10 * 60_000;
const TORCH_CPU_INDEX = 'https://download.pytorch.org/whl/cpu';

export type Venv =
  | { readonly kind: 'ready'; readonly python: string }
  /** The packages cannot be had here. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Prints `NAME found`, or nothing where all is as pinned. */
const CHECK = `
import importlib.metadata as m, re, sys
for line in open(sys.argv[1], encoding="utf-8"):
    pin = re.match(r"([A-Za-z0-9._-]+)(?:\\[.*?\\])?==([^\\s;#]+)", line)
    if pin:
        try: found = m.version(pin[1])
        except m.PackageNotFoundError: found = "nothing"
        if found.split("+")[0] != pin[2].split("+")[0]: print(pin[1], found)
import torch, peft, trl
`;

/** @throws {Error} the packages can be had, and do not install */
export function readyVenv(folder: string | undefined, say: (text: string) => void): Venv {
  const place = resolve(folder ?? DEFAULT_FOLDER);
  const python = join(place, 'bin/python');
  if (existsSync(python)) {
    const wrong = wrongPackages(python);
    if (wrong === '') {
      say(`Python environment: ${place}`);
      return { kind: 'ready', python };
    }
    say(`Python environment ${place} is not as pinned: ${wrong}`);
  } else {
    say(`making a Python environment in ${place}`);
    run('python3', ['-m', 'venv', place]);
  }
  // From PyPI torch comes with CUDA: gigabytes that a CPU has no use for. Elsewhere there is a small one.
  say('torch for the CPU …');
  const torch = pinOf('torch');
  const index = ['--index-url', TORCH_CPU_INDEX, '--timeout', '10', '--retries', '0'];
  const small = torch === null ? null : pip(python, [torch, ...index], 'ignore');
  say(small?.status === 0 ? 'torch for the CPU is there' : 'not to be had: the one of PyPI, then');
  say('the pinned requirements … (some minutes)');
  const whole = pip(python, ['-r', REQUIREMENTS, ...(torch === null ? ['torch'] : [])], 'inherit');
  if (whole.status === 0) return { kind: 'ready', python };
  const late =
    whole.error === undefined ? '' : `pip had not ended after ${PIP_MS / 60_000} minutes `;
  const reason = late + whole.stderr.trim().split('\n').slice(-3).join(' ');
  if (
    late !== '' ||
    /connection|resolve|timed? ?out|unreachable|No matching distribution/i.test(reason)
  ) {
    return { kind: 'unavailable', reason };
  }
  throw new Error(`pip could not install ${REQUIREMENTS}: ${reason}`);
}

function wrongPackages(python: string): string {
  const { stdout, stderr, status } = spawnSync(python, ['-c', CHECK, REQUIREMENTS], {
    encoding: 'utf8',
  });
  return status === 0
    ? stdout.trim().replaceAll('\n', ', ')
    : (stderr.trim().split('\n').at(-1) ?? '');
}

function pip(python: string, args: readonly string[], stdout: 'inherit' | 'ignore') {
  return spawnSync(
    python,
    ['-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '-q', ...args],
    { encoding: 'utf8', stdio: ['ignore', stdout, 'pipe'], timeout: PIP_MS },
  );
}

function pinOf(name: string): string | null {
  const text = readFileSync(REQUIREMENTS, 'utf8');
  return new RegExp(`^${name}==[^\\s;#]+`, 'm').exec(text)?.[0] ?? null;
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`);
}
