/** One server in a process of its own: says its URL first, then the CPU time it used when asked. */
import { SERVER_NAMES, startServer } from './servers.ts';

const [name, emulatorUrl = '', dataDir = ''] = process.argv.slice(2);
const known = SERVER_NAMES.find((each) => each === name);
if (known === undefined) throw new Error(`unknown server ${JSON.stringify(name)}`);

process.on('disconnect', () => process.exit(0));
const url = await startServer(known, { emulatorUrl, dataDir });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuSeconds: (user + system) / 1e6 });
});
process.send?.({ url });
