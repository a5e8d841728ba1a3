/** `npm run emulator`: the emulator on its own. */
import process from 'node:process';
import { z } from 'zod';
import { createEmulator } from './emulator.ts';

const settingsSchema = z.object({
  HOST: z
    .enum(['127.0.0.1', '::1', 'localhost'], {
      error: 'expected a loopback address: the emulator is a tool for tests and has no security',
    })
    .default('127.0.0.1'),
  EMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(4_010),
  EMULATOR_SEED: z.coerce.number().int().min(0).default(1),
  /** Where pods and their disks are kept over a restart; absent: nowhere. */
  EMULATOR_STATE_DIR: z.string().min(1).optional(),
  /** What a pod's `python3` is; absent: this machine's. */
  EMULATOR_PYTHON: z.string().min(1).optional(),
});

const settings = settingsSchema.safeParse(process.env);
if (!settings.success) {
  for (const { path, message } of settings.error.issues) {
    process.stderr.write(`${path.join('.')}: ${message}\n`);
  }
  process.exit(1);
}
const {
  HOST: host,
  EMULATOR_PORT: port,
  EMULATOR_SEED: seed,
  EMULATOR_STATE_DIR: stateDir,
  EMULATOR_PYTHON: python,
} = settings.data;

try {
  const emulator = await createEmulator({
    host,
    port,
    seed,
    ...(stateDir !== undefined && { stateDir }),
    ...(python !== undefined && { python }),
  });
  process.stdout.write(
    [
      `RunPod emulator listening on ${emulator.url}`,
      `Serve from it: RUNPOD_API_KEY=any RUNPOD_REST_URL=${emulator.url} RUNPOD_GRAPHQL_URL=${emulator.url}/graphql npm start`,
      `See and change it: curl -s ${emulator.url}/__emulator/requests (src/emulator/README.md lists the faults)`,
      '',
    ].join('\n'),
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void emulator.close().then(() => process.exit(0));
    });
  }
} catch (error) {
  process.stderr.write(
    `Could not start: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
