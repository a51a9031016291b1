import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { freeswitchServers } from '../config/secrets.js';
import { EmbeddedMediaServer } from '../media/embedded/embedded-media-server.js';
import type { SipClient } from '../media/freeswitch/sip-client.js';
import type { MediaServer } from '../media/media-server.js';
import { PromptStore } from '../media/prompts/prompt-store.js';
import type { Logger } from './log/logger.js';

/** What terminates RTP for this process. */
export interface MediaSide {
  readonly media: MediaServer;
  /** Where a customer's media goes in secure mode, when it does not stay with {@link media}. */
  readonly vault: MediaServer | null;
  /** Ends media, vault and speech. */
  close(): Promise<void>;
}

/** What the log says when a FreeSWITCH comes or goes. */
const NODE_TEXTS = {
  unreachable: 'FreeSWITCH not reached; trying on',
  silent: 'FreeSWITCH does not answer; trying on',
  'address-refused': 'FreeSWITCH takes no event socket from this address; trying on',
  'password-refused': 'FreeSWITCH refused the password; trying on',
  'prompts-missing': 'FreeSWITCH does not have the prompts; trying on',
  closed: 'FreeSWITCH lost; its calls end; connecting again',
} as const;

/**
 * The media engine that is configured, and the vault beside it. `sip` places the calls to FreeSWITCH. Rejects with
 * ConfigError when a secret cannot be read.
 */
export async function openMediaSide(config: Config, sip: SipClient, log: Logger): Promise<MediaSide> {
  const directory = join(config.dataDirectory, 'prompts');
  const prompts = new PromptStore({ directory, voice: config.prompts.voice });
  const { address, advertisedAddress, rtpPorts: ports } = config.media;
  const embedded = new EmbeddedMediaServer({ address, advertisedAddress, ports, prompts });
  const ends = [embedded, prompts];
  if (config.media.engine === 'embedded') return sideOf(embedded, null, ends);
  const { promptPath, listener } = config.media;
  // Loaded here only: without FreeSWITCH no part of it is in the process.
  const { FreeswitchMediaServer } = await import('../media/freeswitch/freeswitch-media-server.js');
  const media = new FreeswitchMediaServer({
    nodes: freeswitchServers(config),
    listen: listener,
    sip,
    sounds: { source: prompts, directory, seenAs: promptPath === 'same' ? directory : promptPath },
    onNode: (freeswitch, fault) => {
      if (fault === null) log.info({ freeswitch }, 'FreeSWITCH connected');
      else log.error({ freeswitch }, NODE_TEXTS[fault]);
    },
    onUnsafe: (freeswitch, fault) => log.error({ freeswitch, fault }, 'secure sessions are refused'),
  });
  return sideOf(media, embedded, [media, ...ends]);
}

/** `ends` in the order in which they are closed. */
function sideOf(
  media: MediaServer,
  vault: MediaServer | null,
  ends: readonly { close(): Promise<void> }[],
): MediaSide {
  return {
    media,
    vault,
    async close() {
      for (const one of ends) await one.close();
    },
  };
}
