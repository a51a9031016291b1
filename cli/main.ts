#!/usr/bin/env node
import { constants } from 'node:os';
import { runTacet } from './tacet.js';

const { stdin, stdout, stderr } = process;
// Whoever read the output has gone, as in `tacet show x.yaml | head`: there is nobody left to tell.
stdout.on('error', () => process.exit(128 + constants.signals.SIGPIPE));
process.exitCode = await runTacet(process.argv.slice(2), { stdin, stdout, stderr, cwd: process.cwd() });
