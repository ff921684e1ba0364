// Drives a server with ioredis, which speaks RESP3 and asks INFO on connect.
'use strict';

const crypto = require('node:crypto');
const Redis = require('ioredis');
const { assert, server, tls, otherDB, allBytes, near, fails, runChecks } = require('./check.js');

async function connect(options) {
  const r = new Redis({ ...server, tls, maxRetriesPerRequest: 0, retryStrategy: null, lazyConnect: true, connectTimeout: 60000, ...options });
  r.on('error', () => {}); // the rejected command reports it
  await r.connect();
  return r;
}

// use gives body a further client and closes it afterwards.
async function use(options, body) {
  const r = await connect(options);
  try {
    await body(r);
  } finally {
    r.disconnect();
  }
}

const checks = {
  async connection(r) {
    assert.equal(await r.ping(), 'PONG');
    assert.equal(await r.echo('hello'), 'hello');
    await use({ connectionName: 'driver' }, async (named) => {
      const info = await named.client('INFO');
      assert.match(info, / name=driver /);
      assert.match(info, new RegExp(` db=${server.db} `));
      assert.match(info, / resp=3(\s|$)/);
    });
    assert.match(await r.info('server'), /redis_version:7\./);
    assert.equal((await r.time()).length, 2);
  },

  async set_and_get(r) {
    assert.equal(await r.set('k', 'v'), 'OK');
    assert.equal(await r.get('k'), 'v');
    assert.equal(await r.get('missing'), null);
    assert.equal(await r.set('k', 'w', 'NX'), null);
    assert.equal(await r.set('k', 'w', 'GET'), 'v');
    assert.equal(await r.mset({ a: 1, b: 'zwei', c: '三' }), 'OK');
    assert.deepEqual(await r.mget('a', 'missing', 'b', 'c'), ['1', null, 'zwei', '三']);
    assert.equal(await r.append('k', 'xyz'), 4);
    assert.equal(await r.getrange('k', 1, -2), 'xy');
    assert.equal(await r.getdel('a'), '1');
    assert.equal(await r.exists('a', 'b', 'b', 'c'), 3);
    assert.equal(await r.del('a', 'b', 'c'), 2);
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
    assert.equal(await r.setex('k', 300, 'v'), 'OK');
    near((await r.pttl('k')) / 1000, 300);
    assert.equal(await r.set('k', 'v', 'EX', 900), 'OK');
    near(await r.ttl('k'), 900);
    assert.equal(await r.expireat('k', 1), 1);
    assert.equal(await r.get('k'), null);
  },

  async counters(r) {
    assert.equal(await r.incr('n'), 1);
    assert.equal(await r.incrby('n', 41), 42);
    assert.equal(await r.decrby('n', 2), 40);
    assert.equal(Number(await r.incrbyfloat('f', 1.25)), 1.25);
    await r.set('n', '9223372036854775807');
    await fails(r.incr('n'), 'would overflow');
  },

  async hashes(r) {
    assert.equal(await r.hset('h', { a: 1, b: 'zwei' }), 2);
    assert.equal(await r.hset('h', 'a', 2), 0);
    assert.equal(await r.hget('h', 'a'), '2');
    assert.deepEqual(await r.hmget('h', 'b', 'missing', 'a'), ['zwei', null, '2']);
    assert.deepEqual({ ...(await r.hgetall('h')) }, { a: '2', b: 'zwei' });
    assert.deepEqual({ ...(await r.hgetall('missing')) }, {});
    assert.equal(await r.hincrby('h', 'a', 40), 42);
    assert.equal(Number(await r.hincrbyfloat('h', 'f', 1.5)), 1.5);
    assert.equal(await r.hexists('h', 'f'), 1);
    assert.equal(await r.hdel('h', 'f', 'missing'), 1);
    assert.deepEqual((await r.hkeys('h')).sort(), ['a', 'b']);
    const fields = Object.fromEntries([...Array(2000).keys()].map((i) => [`field:${i}`, String(i)]));
    assert.equal(await r.hset('big', fields), 2000);
    const found = {};
    for await (const page of r.hscanStream('big', { count: 100 })) {
      for (let i = 0; i < page.length; i += 2) found[page[i]] = page[i + 1];
    }
    assert.deepEqual(found, fields);
  },

  async pipeline(r) {
    const pipe = r.pipeline();
    for (let i = 0; i < 1000; i++) pipe.set(`k:${i}`, i);
    for (let i = 0; i < 1000; i++) pipe.get(`k:${i}`);
    const replies = await pipe.exec();
    assert.deepEqual(replies.slice(0, 1000), Array(1000).fill([null, 'OK']));
    assert.deepEqual(replies.slice(1000), [...Array(1000).keys()].map((i) => [null, String(i)]));
    const [set, hget, get] = await r.pipeline().set('s', 'x').hget('s', 'f').get('s').exec();
    assert.deepEqual([set, get], [[null, 'OK'], [null, 'x']]);
    assert.match(hget[0].message, /^WRONGTYPE /);
  },

  async transaction(r) {
    const replies = await r.multi().incr('n').expire('n', 3600).hset('h', 'f', 'v').get('no').exec();
    assert.deepEqual(replies, [[null, 1], [null, 1], [null, 1], [null, null]]);
    near(await r.ttl('n'), 3600);
    const [failed, incr] = await r.multi().incr('h').incr('n').exec();
    assert.match(failed[0].message, /^WRONGTYPE /);
    assert.deepEqual(incr, [null, 2]);
    await fails(r.multi().incr('n').call('NOSUCH').exec(), 'EXECABORT');
    assert.equal(await r.get('n'), '2');
    await r.multi({ pipeline: false });
    assert.equal(await r.incr('n'), 'QUEUED');
    assert.equal(await r.discard(), 'OK');
    assert.equal(await r.get('n'), '2');
  },

  async watch(r) {
    await r.set('n', 1);
    await r.watch('n');
    await use({}, (other) => other.set('n', 10));
    assert.equal(await r.multi().set('n', 2).exec(), null);
    assert.equal(await r.get('n'), '10');
    await r.watch('n');
    assert.deepEqual(await r.multi().set('n', 11).exec(), [[null, 'OK']]);
  },

  async scan(r) {
    const names = [...Array(3000).keys()].map((i) => `scan:${i}`);
    await r.mset(names.flatMap((name) => [name, 'x']));
    const found = new Set();
    for await (const page of r.scanStream({ match: 'scan:*', count: 100 })) page.forEach((key) => found.add(key));
    assert.deepEqual([...found].sort(), names.sort());
    assert.equal(await r.dbsize(), 3000);
  },

  async databases(r) {
    await use({ db: otherDB }, async (other) => {
      await r.set('k', 'here');
      assert.equal(await other.get('k'), null);
      assert.equal(await r.move('k', otherDB), 1);
      assert.equal(await other.get('k'), 'here');
      assert.equal(await other.select(server.db), 'OK');
      assert.equal(await other.exists('k'), 0);
      assert.equal(await other.select(otherDB), 'OK');
      assert.equal(await other.flushdb(), 'OK');
    });
  },

  async binary(r) {
    assert.equal(await r.set(allBytes, allBytes), 'OK');
    assert.deepEqual(await r.getBuffer(allBytes), allBytes);
    assert.equal(await r.hset('h', allBytes, allBytes), 1);
    assert.deepEqual(await r.hgetBuffer('h', allBytes), allBytes);
    assert.equal(await r.set('empty', ''), 'OK');
    assert.equal(await r.get('empty'), '');
  },

  async large_value(r) {
    const value = crypto.randomBytes(1 << 20);
    assert.equal(await r.set('mb', value), 'OK');
    assert.ok(value.equals(await r.getBuffer('mb')));
    assert.equal(await r.strlen('mb'), 1 << 20);
    for (const copy of await Promise.all([r.getBuffer('mb'), r.getBuffer('mb')])) assert.ok(value.equals(copy));
  },

  async errors(r) {
    await r.hset('h', 'f', 'text');
    await r.set('s', 'text');
    await fails(r.get('h'), 'WRONGTYPE Operation against a key holding the wrong kind of value');
    await fails(r.incr('s'), 'value is not an integer or out of range');
    await fails(r.set('k', 'v', 'EX', 0), "invalid expire time in 'set' command");
    await fails(r.call('GET'), "wrong number of arguments for 'get' command");
    await fails(r.call('NOSUCH', 'x'), "unknown command 'NOSUCH'");
    assert.equal(await r.get('s'), 'text'); // the connection is still in step
  },
};

runChecks(checks, connect, (r) => r.quit());
