import { execFileSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { freePorts } from '../../test/kit/ports.js';
import { Program } from './program.js';

const START_MS = 30_000;
/** It takes some seconds to unload; nothing of it is kept. */
const STOP_MS = 1000;

export interface FreeswitchPlan {
  /** An empty directory. */
  readonly directory: string;
  /** The prompt that every call hears in a loop: 8 kHz WAV. */
  readonly prompt: string;
  /** Rejects when a call to this port is not answered. */
  readonly tryCall: (port: number) => Promise<void>;
}

/** Path of the program on the PATH, or null. */
export function findFreeswitch(): string | null {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(directory, 'freeswitch');
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** `1.11.1`, or `unknown`. */
export function freeswitchVersion(file: string): string {
  const text = execFileSync(file, ['-version'], { encoding: 'utf8', timeout: 10_000 });
  return /version:? (\d+(?:\.\d+)+)/i.exec(text)?.[1] ?? 'unknown';
}

/** FreeSWITCH with one SIP profile on loopback and a dialplan that answers and plays; nothing else is loaded. */
export class Freeswitch {
  readonly sipPort: number;
  readonly #program: Program;

  private constructor(program: Program, sipPort: number) {
    this.#program = program;
    this.sipPort = sipPort;
  }

  static async start(file: string, plan: FreeswitchPlan): Promise<Freeswitch> {
    const [sipPort = 0] = await freePorts(1);
    const places = ['conf', 'log', 'db', 'run', 'storage', 'temp', 'cache', 'recordings'];
    for (const place of places) mkdirSync(join(plan.directory, place));
    writeFileSync(join(plan.directory, 'conf', 'freeswitch.xml'), configuration(sipPort, plan.prompt));
    const program = new Program('freeswitch', file, [
      ...places.flatMap((place) => [`-${place}`, join(plan.directory, place)]),
      '-nonat',
      '-nc',
      '-nf',
      '-np',
    ]);
    try {
      await program.ready(() => plan.tryCall(sipPort), START_MS);
    } catch (error) {
      await program.stop(0);
      throw error;
    }
    return new Freeswitch(program, sipPort);
  }

  get pid(): number {
    return this.#program.pid;
  }

  stop(): Promise<void> {
    return this.#program.stop(STOP_MS);
  }
}

const settings = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `<param name="${name}" value="${value}"/>`)
    .join('\n        ');

/** A whole configuration in one document: quiet log, no limits that a load test would meet, G.711 only. */
function configuration(sipPort: number, prompt: string): string {
  const modules = ['mod_commands', 'mod_dptools', 'mod_dialplan_xml', 'mod_sndfile', 'mod_sofia'];
  const core = {
    loglevel: 'err',
    'max-sessions': 5000,
    'sessions-per-second': 5000,
    'rtp-start-port': 20000,
    'rtp-end-port': 29998,
    'dump-cores': 'no',
  };
  const profile = {
    'sip-ip': '127.0.0.1',
    'sip-port': sipPort,
    'rtp-ip': '127.0.0.1',
    context: 'bench',
    dialplan: 'XML',
    'inbound-codec-prefs': 'PCMU',
    'outbound-codec-prefs': 'PCMU',
    'auth-calls': 'false',
    'manage-presence': 'false',
    'dtmf-type': 'rfc2833',
    'rtp-timer-name': 'soft',
    'sip-trace': 'no',
  };
  return `<?xml version="1.0"?>
<document type="freeswitch/xml">
  <section name="configuration">
    <configuration name="modules.conf">
      <modules>
        ${modules.map((name) => `<load module="${name}"/>`).join('\n        ')}
      </modules>
    </configuration>
    <configuration name="switch.conf">
      <settings>
        ${settings(core)}
      </settings>
    </configuration>
    <configuration name="sofia.conf">
      <global_settings>
        ${settings({ 'log-level': 0 })}
      </global_settings>
      <profiles>
        <profile name="bench">
          <settings>
        ${settings(profile)}
          </settings>
        </profile>
      </profiles>
    </configuration>
  </section>
  <section name="dialplan">
    <context name="bench">
      <extension name="loop">
        <condition field="destination_number" expression="^loop$">
          <action application="answer"/>
          <action application="endless_playback" data="${prompt}"/>
        </condition>
      </extension>
    </context>
  </section>
</document>
`;
}
