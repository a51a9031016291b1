/** What asks the server; resolves with its answer as it is. */
type Ask = (...words: readonly string[]) => Promise<string>;

/**
 * `warning` (switch_log.h), one above what is shipped. Keys are logged at `info`, and their lengths are put right before
 * the warnings about short and long ones are reached (switch_channel.c).
 */
const LOUDEST = 4;

/**
 * How the level is asked for: without an argument FreeSWITCH takes -1, which switches its log off. This number is -2 to
 * it (atoi on 64 bits), below every level, and changes nothing.
 */
const ASK_LEVEL = '4294967294';

/** The first version whose RTP side logs no key of a channel that is marked as sensitive. */
const OLDEST = [1, 10, 3] as const;

/** What writes calls, keys or events elsewhere, obeys others, or takes keys as commands (STACK-NOTES 1.3, 1.6). */
export const BANNED_MODULES = [
  'mod_amqp',
  'mod_audio_fork',
  'mod_avmd',
  'mod_cdr_csv',
  'mod_cdr_mongodb',
  'mod_cdr_pg_csv',
  'mod_cdr_sqlite',
  'mod_conference',
  'mod_curl',
  'mod_erlang_event',
  'mod_event_kafka',
  'mod_event_multicast',
  'mod_event_test',
  'mod_format_cdr',
  'mod_graylog2',
  'mod_hiredis',
  'mod_httapi',
  'mod_json_cdr',
  'mod_kafka',
  'mod_logfile',
  'mod_lua',
  'mod_odbc_cdr',
  'mod_perl',
  'mod_python',
  'mod_python3',
  'mod_radius_cdr',
  'mod_raven',
  'mod_rayo',
  'mod_rtmp',
  'mod_shout',
  'mod_signalwire',
  'mod_snmp',
  'mod_syslog',
  'mod_v8',
  'mod_verto',
  'mod_xml_cdr',
  'mod_xml_curl',
  'mod_xml_rpc',
] as const;

/** One question for all of them: each command takes FreeSWITCH some 0.2 ms, and the caller waits. */
const ASK_MODULES = BANNED_MODULES.map((module) => `${module}=\${module_exists(${module})}`).join(',');

const PROFILE = 'drachtio_mrf';
/** Of `sofia xmlstatus`: keys are decoded here, never passed through unseen. */
const PROFILE_WANTED = { 'dtmf-mode': 'rfc2833', nomedia: 'false', 'proxy-media': 'false' } as const;

/**
 * Why no secure digit may come near this server as it is set up now, in words for people that begin with its name; null
 * when nothing speaks against it. What cannot be asked for is not looked at: core dumps, and a SIP trace, which holds no
 * keys because none go to FreeSWITCH by SIP.
 */
export async function secureFault(name: string, ask: Ask): Promise<string | null> {
  const [version, level, filter, profile, modules] = await Promise.all([
    ask('version', 'short'),
    ask('fsctl', 'loglevel', ASK_LEVEL),
    ask('global_getvar', 'digits_dialed_filter'),
    ask('sofia', 'xmlstatus', 'profile', PROFILE),
    ask('eval', ASK_MODULES),
  ]);
  const fault =
    versionFault(version) ??
    levelFault(level) ??
    modulesFault(modules) ??
    filterFault(filter) ??
    profileFault(profile);
  return fault === null ? null : `${name} ${fault}`;
}

function versionFault(answer: string): string | null {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(answer)?.slice(1).map(Number) ?? [];
  for (const [at, needed] of OLDEST.entries()) {
    const part = found[at] ?? -1;
    if (part > needed) return null;
    if (part < needed) return `has version ${answer.trim().slice(0, 40)}: needed is 1.10.3 or later`;
  }
  return null;
}

function levelFault(answer: string): string | null {
  const [, name, level] = /log level: (\w+) \[(-?\d+)\]/.exec(answer) ?? [];
  if (level !== undefined && Number(level) <= LOUDEST) return null;
  return `logs at ${name?.toLowerCase() ?? 'an unknown level'}: fsctl loglevel err`;
}

function modulesFault(answer: string): string | null {
  const said = answer.trim().split(',');
  const loaded = BANNED_MODULES.filter((module) => said.includes(`${module}=true`));
  if (loaded.length > 0) return `has loaded ${loaded.join(', ')}: take it out of modules.conf`;
  if (BANNED_MODULES.every((module) => said.includes(`${module}=false`))) return null;
  return 'does not say which modules it has loaded: allow api-expansion';
}

function filterFault(answer: string): string | null {
  if (answer.trim() === '.+') return null;
  return 'keeps the digits of a call in the variable digits_dialed: set digits_dialed_filter=.+ globally';
}

function profileFault(answer: string): string | null {
  for (const [name, wanted] of Object.entries(PROFILE_WANTED)) {
    const value = new RegExp(`<${name}>([^<]*)</${name}>`).exec(answer)?.[1];
    if (value !== wanted)
      return `says ${name} ${value ?? 'nothing'} in profile ${PROFILE}: needed is ${wanted}`;
  }
  return null;
}
