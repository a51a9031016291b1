#!/usr/bin/env node
import { runTacet } from './tacet.js';

const { stdin, stdout, stderr } = process;
process.exitCode = await runTacet(process.argv.slice(2), { stdin, stdout, stderr, cwd: process.cwd() });
