/** The server or the emulator of the flood, in a process of its own: says its URL, then its figures when asked. */
import process from 'node:process';
import { createLog, startApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { createEmulator } from '../src/emulator/emulator.ts';

process.on('disconnect', () => process.exit(0));

async function start(): Promise<string> {
  const [what, settings = '{}'] = process.argv.slice(2);
  const given = JSON.parse(settings) as Record<string, string>;
  if (what === 'emulator') return (await createEmulator({ podEnvironment: given })).url;
  const config = readConfig(given);
  return (await startApp(config, createLog(config))).url;
}

let mostRss = 0;
setInterval(() => {
  mostRss = Math.max(mostRss, process.memoryUsage.rss());
}, 100);
const url = await start();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuSeconds: (user + system) / 1e6, mostRss });
});
process.send?.({ url });
