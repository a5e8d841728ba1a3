#!/usr/bin/env node
// The command `runpod-subgraph`, from any folder.
import process from 'node:process';

process.argv.splice(2, 0, 'src/cli/main.ts');
await import('./run.js');
