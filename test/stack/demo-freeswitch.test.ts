import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Report } from '../../demo/report.js';
import { freeswitchInstalled } from '../kit/freeswitch.js';

const MAIN = fileURLToPath(new URL('../../demo/main.js', import.meta.url));
const skip = freeswitchInstalled() ? false : 'freeswitch is not on the PATH';

describe('demo on FreeSWITCH', { skip }, () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'tacet-test-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const capture of ['vault', 'media-server']) {
    it(`plays the same payment, digits taken by the ${capture}`, async () => {
      const args = ['--json', '--engine', 'freeswitch', '--capture', capture, '--out', directory];
      // It starts its own servers, whatever the tests around it run on.
      const env = { PATH: process.env.PATH, TMPDIR: directory };
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
        env,
        timeout: 120_000,
      });
      const report = JSON.parse(stdout) as Report;
      const { engine, agentDigitsHeard, agentCustomerAudioMs, confirmationDelivered } = report;
      assert.deepEqual([engine, report.capture, report.ok], ['freeswitch', capture, true]);
      assert.deepEqual([agentDigitsHeard, agentCustomerAudioMs, confirmationDelivered], [0, 0, true]);
    });
  }
});
