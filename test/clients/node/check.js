// Runs a list of checks and prints TAP; see driver_test.go.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');

const ca = process.env.REDIS_CA;
const tls = ca ? { ca: fs.readFileSync(ca) } : undefined;
if (process.env.REDIS_CERT) {
  tls.cert = fs.readFileSync(process.env.REDIS_CERT);
  tls.key = fs.readFileSync(process.env.REDIS_KEY);
}
const server = {
  host: process.env.REDIS_HOST,
  port: Number(process.env.REDIS_PORT),
  username: process.env.REDIS_USER || undefined,
  password: process.env.REDIS_PASSWORD || undefined,
  db: Number(process.env.REDIS_DB),
};
const otherDB = 15;
const allBytes = Buffer.concat([Buffer.from([...Array(256).keys()]), Buffer.from('\r\n$-1\r\n\0')]);

function near(seconds, limit) {
  assert.ok(limit - 120 <= seconds && seconds <= limit, `TTL is ${seconds}, want about ${limit}`);
}

// fails asserts that promise is rejected with an error that has text in it.
async function fails(promise, text) {
  await assert.rejects(promise, (err) => {
    assert.ok(err.message.includes(text), `the error is ${err.message}, want ${text} in it`);
    return true;
  });
}

// runChecks calls every check with a client that connect made, on an empty
// database, and closes it with close.
async function runChecks(checks, connect, close) {
  const names = process.argv.slice(2);
  const chosen = Object.entries(checks).filter(([name]) => names.length === 0 || names.includes(name));
  console.log(`1..${chosen.length}`);
  for (const [i, [name, check]] of chosen.entries()) {
    let client;
    try {
      client = await connect();
      await client.flushdb();
      await check(client);
      console.log(`ok ${i + 1} - ${name}`);
    } catch (err) {
      process.exitCode = 1;
      console.log(`not ok ${i + 1} - ${name}\n# ${String(err.stack).replaceAll('\n', '\n# ')}`);
    } finally {
      if (client) await close(client);
    }
  }
}

module.exports = { assert, server, tls, otherDB, allBytes, near, fails, runChecks };
