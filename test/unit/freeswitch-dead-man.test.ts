import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeadMan } from '../../media/freeswitch/dead-man.js';

describe('the dead man', () => {
  /** Tasks that stand in a FreeSWITCH which only keeps books. */
  function books() {
    const tasks = new Map<string, string>();
    let fewest = Number.POSITIVE_INFINITY;
    const hungUp: string[] = [];
    const ask = async (...words: readonly string[]) => {
      const [command, one = '', two = ''] = words;
      if (command === 'sched_api') tasks.set(two, words.slice(3).join(' '));
      if (command === 'sched_del') tasks.delete(one);
      if (command === 'hupall') hungUp.push(words.slice(1).join(' '));
      fewest = Math.min(fewest, tasks.size);
      return '+OK';
    };
    return { tasks, ask, hungUp, fewest: () => fewest, watch: () => (fewest = tasks.size) };
  }
  const OURS = 'NORMAL_TEMPORARY_FAILURE sip_h_X-esl-outbound 192.0.2.1:9';

  it('hangs up what was left, and stands from then on without a gap', async () => {
    const { tasks, ask, hungUp, fewest, watch } = books();
    const deadMan = new DeadMan(ask, { address: '192.0.2.1', port: 9 });
    await deadMan.begin();
    assert.deepEqual(hungUp, [OURS]);
    watch();
    for (let round = 0; round < 5; round += 1) {
      await deadMan.renew();
      assert.deepEqual([...tasks.values()], [`hupall ${OURS}`]);
    }
    assert.equal(fewest(), 1);
    await deadMan.end();
    assert.equal(tasks.size, 0);
  });

  it('of the process before is taken away by the next one on the same listener', async () => {
    const { tasks, ask } = books();
    await new DeadMan(ask, { address: '192.0.2.1', port: 9 }).begin();
    const next = new DeadMan(ask, { address: '192.0.2.1', port: 9 });
    await next.begin();
    assert.equal(tasks.size, 1);
    await next.end();
    assert.equal(tasks.size, 0);
  });
});
