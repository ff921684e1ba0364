// Drives a server with node-redis, which speaks RESP3 and needs HELLO.
'use strict';

const crypto = require('node:crypto');
const { createClient, RESP_TYPES, WatchError, MultiErrorReply } = require('redis');
const { assert, server, tls, otherDB, allBytes, near, fails, runChecks } = require('./check.js');

async function connect(options) {
  const { host, port, username, password, db } = server;
  const r = createClient({ socket: { host, port, reconnectStrategy: false, connectTimeout: 60000, ...(tls && { tls: true, ...tls }) }, username, password, database: db, ...options });
  r.on('error', () => {}); // the rejected command reports it
  await r.connect();
  r.flushdb = r.flushDb; // the name that runChecks uses
  return r;
}

// use gives body a further client and closes it afterwards.
async function use(options, body) {
  const r = await connect(options);
  try {
    await body(r);
  } finally {
    await r.close();
  }
}

const asBuffers = { [RESP_TYPES.BLOB_STRING]: Buffer };

const checks = {
  async connection(r) {
    assert.equal(await r.ping(), 'PONG');
    assert.equal(await r.echo('hello'), 'hello');
    await use({ name: 'driver' }, async (named) => {
      const info = await named.clientInfo();
      assert.deepEqual([info.name, info.db, info.resp], ['driver', server.db, 3]);
      assert.equal(info.id, await named.clientId());
    });
    assert.match(await r.info('server'), /redis_version:7\./);
    assert.deepEqual({ ...(await r.configGet('databases')) }, { databases: '16' });
  },

  async set_and_get(r) {
    assert.equal(await r.set('k', 'v'), 'OK');
    assert.equal(await r.get('k'), 'v');
    assert.equal(await r.get('missing'), null);
    assert.equal(await r.set('k', 'w', { condition: 'NX' }), null);
    assert.equal(await r.set('k', 'w', { GET: true }), 'v');
    assert.equal(await r.mSet({ a: '1', b: 'zwei', c: '三' }), 'OK');
    assert.deepEqual(await r.mGet(['a', 'missing', 'b', 'c']), ['1', null, 'zwei', '三']);
    assert.equal(await r.append('k', 'xyz'), 4);
    assert.equal(await r.getRange('k', 1, -2), 'xy');
    assert.equal(await r.getDel('a'), '1');
    assert.equal(await r.exists(['a', 'b', 'b', 'c']), 3);
    assert.equal(await r.del(['a', 'b', 'c']), 2);
    assert.equal(await r.type('k'), 'string');
    assert.equal(await r.rename('k', 'renamed'), 'OK');
    assert.deepEqual(await r.keys('ren*'), ['renamed']);
  },

  async expiry(r) {
    assert.equal(await r.ttl('missing'), -2);
    await r.set('k', 'v');
    assert.equal(await r.ttl('k'), -1);
    assert.equal(await r.expire('k', 600), 1);
    near(await r.ttl('k'), 600);
    assert.equal(await r.expire('k', 700, 'NX'), 0);
    assert.equal(await r.persist('k'), 1);
    assert.equal(await r.ttl('k'), -1);
    assert.equal(await r.setEx('k', 300, 'v'), 'OK');
    near((await r.pTTL('k')) / 1000, 300);
    assert.equal(await r.set('k', 'v', { expiration: { type: 'EX', value: 900 } }), 'OK');
    near(await r.ttl('k'), 900);
    assert.equal(await r.expireAt('k', 1), 1);
    assert.equal(await r.get('k'), null);
  },

  async counters(r) {
    assert.equal(await r.incr('n'), 1);
    assert.equal(await r.incrBy('n', 41), 42);
    assert.equal(await r.decrBy('n', 2), 40);
    assert.equal(Number(await r.incrByFloat('f', 1.25)), 1.25);
    await r.set('n', '9223372036854775807');
    await fails(r.incr('n'), 'would overflow');
  },

  async hashes(r) {
    assert.equal(await r.hSet('h', { a: 1, b: 'zwei' }), 2);
    assert.equal(await r.hSet('h', 'a', '2'), 0);
    assert.equal(await r.hGet('h', 'a'), '2');
    assert.deepEqual(await r.hmGet('h', ['b', 'missing', 'a']), ['zwei', null, '2']);
    assert.deepEqual({ ...(await r.hGetAll('h')) }, { a: '2', b: 'zwei' });
    assert.deepEqual({ ...(await r.hGetAll('missing')) }, {});
    assert.equal(await r.hIncrBy('h', 'a', 40), 42);
    assert.equal(Number(await r.hIncrByFloat('h', 'f', 1.5)), 1.5);
    assert.equal(await r.hExists('h', 'f'), 1);
    assert.equal(await r.hDel('h', ['f', 'missing']), 1);
    assert.deepEqual((await r.hKeys('h')).sort(), ['a', 'b']);
    const fields = Object.fromEntries([...Array(2000).keys()].map((i) => [`field:${i}`, String(i)]));
    assert.equal(await r.hSet('big', fields), 2000);
    const found = {};
    for await (const page of r.hScanIterator('big', { COUNT: 100 })) {
      for (const { field, value } of page) found[field] = value;
    }
    assert.deepEqual(found, fields);
  },

  async pipeline(r) {
    const numbers = [...Array(1000).keys()];
    const set = await Promise.all(numbers.map((i) => r.set(`k:${i}`, String(i)))); // one write, by auto-pipelining
    assert.deepEqual(set, Array(1000).fill('OK'));
    assert.deepEqual(await Promise.all(numbers.map((i) => r.get(`k:${i}`))), numbers.map(String));
    assert.deepEqual(await r.multi().get('k:1').get('k:2').execAsPipeline(), ['1', '2']);
    const [ok, failed, value] = await Promise.allSettled([r.set('s', 'x'), r.hGet('s', 'f'), r.get('s')]);
    assert.deepEqual([ok.value, value.value], ['OK', 'x']);
    assert.match(failed.reason.message, /^WRONGTYPE /);
  },

  async transaction(r) {
    const replies = await r.multi().incr('n').expire('n', 3600).hSet('h', 'f', 'v').get('no').exec();
    assert.deepEqual(replies, [1, 1, 1, null]);
    near(await r.ttl('n'), 3600);
    await assert.rejects(r.multi().incr('h').incr('n').exec(), (err) => {
      assert.ok(err instanceof MultiErrorReply);
      assert.match(err.replies[0].message, /^WRONGTYPE /);
      assert.equal(err.replies[1], 2);
      return true;
    });
    await fails(r.multi().incr('n').addCommand(['NOSUCH']).exec(), "unknown command 'NOSUCH'");
    assert.equal(await r.get('n'), '2');
  },

  async watch(r) {
    await r.set('n', '1');
    await r.watch('n');
    await use({}, (other) => other.set('n', '10'));
    await assert.rejects(r.multi().set('n', '2').exec(), WatchError);
    assert.equal(await r.get('n'), '10');
    await r.watch('n');
    assert.deepEqual(await r.multi().set('n', '11').exec(), ['OK']);
  },

  async scan(r) {
    const names = [...Array(3000).keys()].map((i) => `scan:${i}`);
    await r.mSet(names.map((name) => [name, 'x']));
    await r.hSet('hash', 'f', 'v');
    const found = new Set();
    for await (const page of r.scanIterator({ MATCH: 'scan:*', COUNT: 100 })) page.forEach((key) => found.add(key));
    assert.deepEqual([...found].sort(), names.sort());
    const typed = [];
    for await (const page of r.scanIterator({ TYPE: 'hash', COUNT: 1000 })) typed.push(...page);
    assert.deepEqual(typed, ['hash']);
    assert.equal(await r.dbSize(), 3001);
  },

  async databases(r) {
    await use({ database: otherDB }, async (other) => {
      await r.set('k', 'here');
      assert.equal(await other.get('k'), null);
      assert.equal(await r.move('k', otherDB), 1);
      assert.equal(await other.get('k'), 'here');
      await other.select(server.db);
      assert.equal(await other.exists('k'), 0);
      await other.select(otherDB);
      assert.equal(await other.flushDb(), 'OK');
    });
  },

  async binary(r) {
    const raw = r.withTypeMapping(asBuffers);
    assert.equal(await raw.set(allBytes, allBytes), 'OK');
    assert.deepEqual(await raw.get(allBytes), allBytes);
    assert.equal(await raw.hSet('h', allBytes, allBytes), 1);
    assert.deepEqual(await raw.hGet('h', allBytes), allBytes);
    assert.equal(await r.set('empty', ''), 'OK');
    assert.equal(await r.get('empty'), '');
  },

  async large_value(r) {
    const raw = r.withTypeMapping(asBuffers);
    const value = crypto.randomBytes(1 << 20);
    assert.equal(await raw.set('mb', value), 'OK');
    assert.ok(value.equals(await raw.get('mb')));
    assert.equal(await r.strLen('mb'), 1 << 20);
    for (const copy of await Promise.all([raw.get('mb'), raw.get('mb')])) assert.ok(value.equals(copy));
  },

  async errors(r) {
    await r.hSet('h', 'f', 'text');
    await r.set('s', 'text');
    await fails(r.get('h'), 'WRONGTYPE Operation against a key holding the wrong kind of value');
    await fails(r.incr('s'), 'value is not an integer or out of range');
    await fails(r.setEx('k', 0, 'v'), "invalid expire time in 'setex' command");
    await fails(r.sendCommand(['GET']), "wrong number of arguments for 'get' command");
    await fails(r.sendCommand(['NOSUCH', 'x']), "unknown command 'NOSUCH'");
    assert.equal(await r.get('s'), 'text'); // the connection is still in step
  },
};

runChecks(checks, connect, (r) => r.close());
