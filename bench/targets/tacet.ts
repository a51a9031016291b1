import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { freePorts } from '../../test/kit/ports.js';
import type { Lateness } from '../measure/steady.js';
import { residentBytes } from '../process-usage.js';
import type { PromptFiles } from '../sounds.js';
import { COLLECT_SIGNAL, HEAP_FILE } from './collect-garbage.js';
import { Program } from './program.js';
import type { Stack } from './stack.js';

const COLLECT_GARBAGE = new URL('./collect-garbage.js', import.meta.url).href;
const SERVER = fileURLToPath(new URL('../../server/main.js', import.meta.url));
const PACKAGE = new URL('../../../package.json', import.meta.url);
/** Spoken prompts of the library's flows, rendered once for all runs. */
const PROMPT_CACHE = fileURLToPath(new URL('../../prompt-cache/', import.meta.url));

const START_MS = 60_000;
const STOP_MS = 3000;
const COLLECT_MS = 300;
/** How often a call hears the long prompt: longer than any run. */
const REPEATS = 100;

export interface TacetPlan {
  /** An empty directory. */
  readonly directory: string;
  readonly prompts: PromptFiles;
  /** Agents who answer at this SIP port. */
  readonly agents: number;
  readonly agentPort: number;
  /** Keys of the longest key test. */
  readonly keys: number;
  readonly nodeOptions: readonly string[];
  /** The servers that it runs on; null for the engine in the program. */
  readonly stack: Stack | null;
}

/** Memory of a process, in bytes. */
export interface HeldBytes {
  /** In RAM. */
  readonly resident: number;
  /** Used in the heaps of its threads, buffers included. */
  readonly heaps: number;
}

/**
 * What each of so many calls took, in bytes. Resident memory alone would tell too little: pages that an idle server has
 * kept from its start serve the first calls.
 */
export function bytesPerCall(idle: HeldBytes, loaded: HeldBytes, calls: number): number {
  return Math.max(loaded.resident - idle.resident, loaded.heaps - idle.heaps) / calls;
}

/** Tacet in a process of its own, with the flows of the bench and otherwise as it comes. */
export class Tacet {
  readonly sipPort: number;
  readonly httpUrl: string;
  readonly token: string;
  readonly #program: Program;
  readonly #heapFile: string;

  private constructor(
    program: Program,
    heapFile: string,
    { sipPort, httpPort, token }: { sipPort: number; httpPort: number; token: string },
  ) {
    this.#program = program;
    this.#heapFile = heapFile;
    this.sipPort = sipPort;
    this.httpUrl = `http://127.0.0.1:${httpPort}`;
    this.token = token;
  }

  /** Resolves when it takes calls. Rejects with what it printed. */
  static async start(plan: TacetPlan): Promise<Tacet> {
    const [sipPort = 0, httpPort = 0] = await freePorts(2);
    const token = randomBytes(24).toString('hex');
    const heapFile = join(plan.directory, 'heap');
    const file = writeConfiguration(plan, sipPort, httpPort, token);
    const nodeOptions = [...startOptions(), '--expose-gc', '--import', COLLECT_GARBAGE, ...plan.nodeOptions];
    const program = new Program('tacet', process.execPath, [...nodeOptions, SERVER], {
      cwd: plan.directory,
      env: { PATH: process.env.PATH, TACET_CONFIG: file, [HEAP_FILE]: heapFile },
    });
    const tacet = new Tacet(program, heapFile, { sipPort: plan.stack?.sipPort ?? sipPort, httpPort, token });
    try {
      await program.ready(() => tacet.#isReady(), START_MS);
    } catch (error) {
      await program.stop(0);
      throw error;
    }
    return tacet;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** What it holds once its garbage has been collected. */
  async settledBytes(): Promise<HeldBytes> {
    for (let round = 0; round < 2; round += 1) {
      process.kill(this.pid, COLLECT_SIGNAL);
      await new Promise((resolve) => setTimeout(resolve, COLLECT_MS));
    }
    return { resident: residentBytes(this.pid), heaps: Number(readFileSync(this.#heapFile, 'utf8')) };
  }

  /** How late packets left by the engine's own stopwatch since the last question, in ms. */
  async lateness(): Promise<Lateness> {
    const response = await this.#get('/metrics');
    const text = await response.text();
    const ms = (name: string): number =>
      Number(new RegExp(`^tacet_media_lateness_${name}_seconds (\\S+)$`, 'm').exec(text)?.[1]) * 1000;
    return { p99: ms('p99'), max: ms('max') };
  }

  stop(): Promise<void> {
    return this.#program.stop(STOP_MS);
  }

  async #isReady(): Promise<void> {
    const response = await this.#get('/readyz');
    if (!response.ok) throw new Error(`/readyz was answered ${response.status}`);
  }

  #get(path: string): Promise<Response> {
    return fetch(this.httpUrl + path, {
      headers: { authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(3000),
    });
  }
}

/** What `npm start` gives to Node. */
function startOptions(): string[] {
  const { scripts } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
}

function writeConfiguration(plan: TacetPlan, sipPort: number, httpPort: number, token: string): string {
  const { directory, prompts, agents, agentPort, keys } = plan;
  const flows = join(directory, 'flows');
  const data = join(directory, 'data');
  mkdirSync(flows);
  mkdirSync(data, { mode: 0o700 });
  mkdirSync(PROMPT_CACHE, { recursive: true });
  symlinkSync(PROMPT_CACHE, join(data, 'prompts'));
  for (const flow of benchFlows(prompts, keys))
    writeFileSync(join(flows, `${flow.name}.yaml`), stringify(flow));
  const file = join(directory, 'tacet.yaml');
  const configuration = {
    sip: { address: '127.0.0.1', port: sipPort, floodLimit: { requestsPerSecond: 0 }, ...plan.stack?.sip },
    media: { address: '127.0.0.1', rtpPorts: { from: 20000, to: 29999 }, ...plan.stack?.media },
    http: { port: httpPort, tokens: [{ name: 'bench', token }] },
    routes: ['loop', 'keys', 'desk'].map((user) => ({ user, flow: `bench-${user}` })),
    flows: { directories: [flows] },
    agents: Array.from({ length: agents }, (_, index) => ({
      id: `agent-${index}`,
      uri: `sip:agent-${index}@127.0.0.1:${agentPort}`,
    })),
    dataDirectory: data,
  };
  writeFileSync(file, stringify(configuration), { mode: 0o600 });
  return file;
}

/**
 * `loop` plays the long prompt on and on, `keys` answers each key, `desk` rings an agent, `secure` is private until the
 * call ends, `visit` and `stay` for the time of a prompt.
 */
function benchFlows(
  { long, short, tones }: PromptFiles,
  keys: number,
): { name: string; [key: string]: unknown }[] {
  const loop = Array.from({ length: REPEATS }, () => ({ do: 'playAudio', prompt: { file: long } }));
  const ask = (at: number) => ({
    do: 'collectInput',
    name: `key${at}`,
    field: 'digits',
    length: 1,
    into: 'flow.key',
    terminator: 'none',
    clearKey: 'none',
    firstDigitTimeout: '30s',
    prompt: { file: tones[at % tones.length] },
  });
  const questions = Array.from({ length: keys + 1 }, (_, at) => ask(at));
  const disconnect = { do: 'disconnect' };
  const visit = (name: string, prompt: string) => ({
    name,
    type: 'secure',
    tasks: { main: [{ do: 'playAudio', prompt: { file: prompt } }, { do: 'returnToAgent' }] },
  });
  return [
    { name: 'bench-loop', type: 'inbound', tasks: { main: [...loop, disconnect] } },
    {
      name: 'bench-keys',
      type: 'inbound',
      variables: { key: { type: 'string' } },
      tasks: { main: [...questions, disconnect] },
    },
    {
      name: 'bench-desk',
      type: 'inbound',
      tasks: { main: [{ do: 'transferToAgent', name: 'toAgent', agent: 'any', onFailure: [disconnect] }] },
    },
    { name: 'bench-secure', type: 'secure', tasks: { main: [...loop, { do: 'returnToAgent' }] } },
    visit('bench-visit', short),
    visit('bench-stay', long),
  ];
}
