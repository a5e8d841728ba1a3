#!/usr/bin/env node
// Starts a TypeScript module of this project: `node bin/run.js src/main.ts`.
// Plain JavaScript on purpose: it must run on any Node to say which one is needed.
import module from 'node:module';
import process from 'node:process';

const NEEDED_MAJOR = 24;

const major = Number(process.versions.node.split('.')[0]);
if (major < NEEDED_MAJOR) {
  process.stderr.write(
    `runpod-subgraph needs Node ${NEEDED_MAJOR} or newer and this is Node ${process.versions.node}.\n` +
      'On Linux x64 and arm64 `npm ci` brings its own Node 24: start through an npm script (`npm start`).\n' +
      'Elsewhere install Node 24 or newer from https://nodejs.org.\n',
  );
  process.exit(1);
}

const [target] = process.argv.splice(2, 1);
if (target === undefined) {
  process.stderr.write('Usage: node bin/run.js <module> [arguments]\n');
  process.exit(2);
}

// Stripped and compiled modules are kept between starts: about twice as fast from the second on.
module.enableCompileCache();
await import(new URL(`../${target}`, import.meta.url).href);
