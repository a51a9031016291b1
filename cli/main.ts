#!/usr/bin/env node
import { runTacet } from './tacet.js';

const { stdout, stderr } = process;
process.exitCode = await runTacet(process.argv.slice(2), { stdout, stderr, cwd: process.cwd() });
