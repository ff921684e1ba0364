"""Drives a server with redis-py and prints TAP; see driver_test.go.

The same checks run with redis-py 5, which speaks RESP2, and with redis-py 8,
which speaks RESP3: an application upgrades its client without other changes.
"""
import os
import sys
import traceback

import redis

DB = int(os.environ["REDIS_DB"])
OTHER_DB = 15
ALL_BYTES = bytes(range(256)) + b"\r\n$-1\r\n\x00"
EXPECTED_RESP = {"5": "2", "8": "3"}[redis.__version__.split(".")[0]]


def connect(**options):
    options = {"db": DB, "decode_responses": True, **options}
    if ca := os.environ.get("REDIS_CA"):
        options = {"ssl": True, "ssl_ca_certs": ca, **options}
    if cert := os.environ.get("REDIS_CERT"):
        options = {"ssl_certfile": cert, "ssl_keyfile": os.environ["REDIS_KEY"], **options}
    return redis.Redis(
        host=os.environ["REDIS_HOST"],
        port=int(os.environ["REDIS_PORT"]),
        username=os.environ.get("REDIS_USER") or None,
        password=os.environ.get("REDIS_PASSWORD") or None,
        **options,
    )


def equal(got, want):
    assert got == want, f"got {got!r:.500}, want {want!r:.500}"


def raises(kind, text, call, *args, **kwargs):
    try:
        got = call(*args, **kwargs)
    except kind as err:
        assert text in str(err), f"the error is {err!r}, want {text!r} in it"
    else:
        raise AssertionError(f"got {got!r:.500}, want {kind.__name__} {text!r}")


def near(seconds, limit):
    assert limit - 120 <= seconds <= limit, f"TTL is {seconds}, want about {limit}"


def connection(r):
    equal(r.ping(), True)
    equal(r.echo("hello"), "hello")
    named = connect(client_name="driver")
    equal(named.client_getname(), "driver")
    info = named.client_info()
    equal((info["name"], info["resp"], info["db"]), ("driver", EXPECTED_RESP, DB))
    assert info["id"] == named.client_id()
    server = r.info("server")
    assert server["redis_version"].startswith("7."), server
    assert len(r.time()) == 2
    equal(r.config_get("databases"), {"databases": "16"})
    equal(r.config_get("no-such-setting"), {})


def set_and_get(r):
    equal(r.set("k", "v"), True)
    equal(r.get("k"), "v")
    equal(r.get("missing"), None)
    equal(r.set("k", "w", nx=True), None)
    equal(r.set("new", "w", xx=True), None)
    equal(r.set("k", "w", get=True), "v")
    equal(r.mset({"a": 1, "b": "zwei", "c": "三"}), True)
    equal(r.mget("a", "missing", "b", "c"), ["1", None, "zwei", "三"])
    equal(r.setnx("a", 2), False)
    equal(r.append("k", "xyz"), 4)
    equal(r.strlen("k"), 4)
    equal(r.getrange("k", 1, -2), "xy")
    equal(r.setrange("k", 6, "!"), 7)
    equal(r.get("k"), "wxyz\0\0!")
    equal(r.getset("a", 2), "1")
    equal(r.getdel("a"), "2")
    equal(r.exists("a", "b", "b", "c"), 3)
    equal(r.delete("a", "b", "c"), 2)
    equal(r.type("k"), "string")
    equal(r.type("a"), "none")
    equal(r.rename("k", "renamed"), True)
    equal(r.copy("renamed", "copied"), True)
    equal(sorted(r.keys("*ed")), ["copied", "renamed"])


def expiry(r):
    equal(r.ttl("missing"), -2)
    r.set("k", "v")
    equal(r.ttl("k"), -1)
    equal(r.expire("k", 600), True)
    near(r.ttl("k"), 600)
    near(r.pttl("k") / 1000, 600)
    equal(r.expire("k", 700, nx=True), False)
    equal(r.expire("k", 500, gt=True), False)
    equal(r.expire("k", 900, gt=True), True)
    near(r.ttl("k"), 900)
    equal(r.expireat("k", 4102444800), True)
    equal(r.expiretime("k"), 4102444800)
    equal(r.set("k", "w", keepttl=True), True)
    equal(r.expiretime("k"), 4102444800)
    equal(r.persist("k"), True)
    equal(r.ttl("k"), -1)
    equal(r.setex("k", 300, "v"), True)
    near(r.ttl("k"), 300)
    equal(r.getex("k", px=60000), "v")
    near(r.ttl("k"), 60)
    r.set("gone", "v", exat=1)
    equal(r.get("gone"), None)
    equal(r.expire("k", -1), True)
    equal(r.exists("k"), 0)


def counters(r):
    equal(r.incr("n"), 1)
    equal(r.incr("n", 41), 42)
    equal(r.decr("n", 2), 40)
    equal(r.get("n"), "40")
    equal(r.incrbyfloat("f", "1.25"), 1.25)
    equal(r.incrbyfloat("f", -0.5), 0.75)
    r.set("n", 2**63 - 1)
    raises(redis.ResponseError, "would overflow", r.incr, "n")
    equal(int(r.get("n")), 2**63 - 1)


def hashes(r):
    equal(r.hset("h", mapping={"a": 1, "b": "zwei"}), 2)
    equal(r.hset("h", "a", 2), 0)
    equal(r.hget("h", "a"), "2")
    equal(r.hget("h", "missing"), None)
    equal(r.hmget("h", "b", "missing", "a"), ["zwei", None, "2"])
    equal(r.hgetall("h"), {"a": "2", "b": "zwei"})
    equal(r.hgetall("missing"), {})
    equal(r.hsetnx("h", "a", 3), 0)
    equal(r.hincrby("h", "a", 40), 42)
    equal(r.hincrbyfloat("h", "f", 1.5), 1.5)
    equal(r.hexists("h", "f"), True)
    equal(r.hdel("h", "f", "missing"), 1)
    equal((r.hlen("h"), sorted(r.hkeys("h")), sorted(r.hvals("h"))), (2, ["a", "b"], ["42", "zwei"]))
    equal(r.hstrlen("h", "b"), 4)
    fields = {f"field:{i}": str(i) for i in range(2000)}
    equal(r.hset("big", mapping=fields), 2000)
    equal(dict(r.hscan_iter("big", count=100)), fields)
    equal(dict(r.hscan_iter("big", match="field:19?")), {f"field:{i}": str(i) for i in range(190, 200)})
    assert set(r.hrandfield("big", 5)) <= set(fields)


def sets(r):
    equal(r.sadd("s", "a", "b", 1, "1"), 3)
    equal(r.smembers("s"), {"a", "b", "1"})
    equal(r.smembers("missing"), set())
    equal(r.sismember("s", "a"), 1)
    equal(r.smismember("s", "a", "c"), [1, 0])
    equal(r.sadd("t", "b", "c"), 2)
    equal(r.sunion("s", "t"), {"a", "b", "c", "1"})
    equal(r.sinter("s", "t"), {"b"})
    equal(r.sintercard(2, ["s", "t"], 1), 1)
    equal(r.sdiffstore("d", "s", "t"), 2)
    equal(r.smove("d", "t", "a"), True)
    equal(r.srem("t", "c", "missing"), 1)
    equal(sorted(r.srandmember("t", 5)), ["a", "b"])
    equal(set(r.spop("t", 5)), {"a", "b"})
    equal(r.exists("t"), 0)
    members = {f"member:{i}" for i in range(2000)}
    equal(r.sadd("big", *members), 2000)
    equal(set(r.sscan_iter("big", count=100)), members)


def pipeline(r):
    with r.pipeline(transaction=False) as pipe:
        for i in range(1000):
            pipe.set(f"k:{i}", i)
        for i in range(1000):
            pipe.get(f"k:{i}")
        equal(pipe.execute(), [True] * 1000 + [str(i) for i in range(1000)])
    with r.pipeline(transaction=False) as pipe:
        replies = pipe.set("s", "x").hget("s", "f").get("s").execute(raise_on_error=False)
    equal((replies[0], replies[2]), (True, "x"))
    assert isinstance(replies[1], redis.ResponseError) and str(replies[1]).startswith("WRONGTYPE"), replies


def transaction(r):
    pipe = r.pipeline()  # MULTI/EXEC is redis-py's default
    equal(pipe.incr("n").expire("n", 3600).hset("h", "f", "v").hgetall("h").get("no").execute(), [1, True, 1, {"f": "v"}, None])
    near(r.ttl("n"), 3600)
    raises(redis.ResponseError, "WRONGTYPE", r.pipeline().incr("h").incr("n").execute)
    equal(r.get("n"), "2")  # the other commands of the transaction were executed
    raises(redis.ResponseError, "unknown command", r.pipeline().incr("n").execute_command("NOSUCH").execute)
    equal(r.get("n"), "2")  # EXECABORT: none was executed


def watch(r):
    r.set("n", 1)
    with r.pipeline() as pipe:
        pipe.watch("n")
        value = int(pipe.get("n"))
        r.set("n", 10)
        pipe.multi()
        pipe.set("n", value + 1)
        raises(redis.WatchError, "", pipe.execute)
    equal(r.get("n"), "10")
    equal(r.transaction(lambda p: (v := int(p.get("n")), p.multi(), p.set("n", v + 1)), "n"), [True])
    equal(r.get("n"), "11")


def scan(r):
    names = {f"scan:{i}" for i in range(3000)}
    r.mset({name: "x" for name in names})
    r.hset("hash", "f", "v")
    found = set(r.scan_iter(count=100))
    equal(found, names | {"hash"})
    equal(set(r.scan_iter(match="scan:29?0")), {f"scan:29{i}0" for i in range(10)})
    equal(list(r.scan_iter(_type="hash", count=1000)), ["hash"])
    # A key that stays is found although others vanish meanwhile.
    stays = {name for name in names if name.endswith("7")}
    found = set()
    for name in r.scan_iter(match="scan:*", count=50):
        found.add(name)
        if name not in stays:
            r.delete(name)
    equal(found & stays, stays)
    equal(r.dbsize(), len(stays) + 1)


def databases(r):
    other = connect(db=OTHER_DB)
    r.set("k", "here")
    equal(other.get("k"), None)
    other.set("k", "there")
    equal(r.get("k"), "here")
    equal(r.move("k", OTHER_DB), False)
    other.delete("k")
    equal(r.move("k", OTHER_DB), True)
    equal((other.get("k"), r.exists("k")), ("here", 0))
    other.flushdb()
    equal(other.dbsize(), 0)
    raises(redis.ResponseError, "DB index is out of range", connect(db=16).ping)


def binary(r):
    raw = connect(decode_responses=False)
    equal(raw.set(ALL_BYTES, ALL_BYTES[::-1]), True)
    equal(raw.get(ALL_BYTES), ALL_BYTES[::-1])
    equal(raw.hset("h", ALL_BYTES, ALL_BYTES), 1)
    equal(raw.hgetall("h"), {ALL_BYTES: ALL_BYTES})
    equal(raw.set("empty", b""), True)
    equal(raw.get("empty"), b"")
    equal(set(raw.scan_iter()), {ALL_BYTES, b"h", b"empty"})


def large_value(r):
    raw = connect(decode_responses=False)
    value = os.urandom(1 << 20)
    equal(raw.set("mb", value), True)
    assert raw.get("mb") == value
    equal(raw.strlen("mb"), 1 << 20)
    equal(raw.getrange("mb", 1000, 1009), value[1000:1010])
    assert raw.hset("h", "mb", value) == 1 and raw.hget("h", "mb") == value
    assert raw.pipeline().get("mb").get("mb").execute() == [value, value]


def errors(r):
    r.hset("h", "f", "text")
    r.set("s", "text")
    raises(redis.ResponseError, "WRONGTYPE Operation against a key holding the wrong kind of value", r.get, "h")
    raises(redis.ResponseError, "WRONGTYPE", r.hgetall, "s")
    raises(redis.ResponseError, "value is not an integer or out of range", r.incr, "s")
    raises(redis.ResponseError, "hash value is not an integer", r.hincrby, "h", "f")
    raises(redis.ResponseError, "invalid expire time in 'set' command", r.set, "k", "v", ex=0)
    raises(redis.ResponseError, "wrong number of arguments for 'get' command", r.execute_command, "GET")
    raises(redis.ResponseError, "unknown command 'NOSUCH'", r.execute_command, "NOSUCH", "x")
    raises(redis.ResponseError, "no such key", r.rename, "missing", "k")
    equal(r.get("s"), "text")  # the connection is still in step


def diagnosis(r):
    r.set("k", "v" * 1000)
    stats = r.memory_stats()
    assert stats["keys.count"] > 0 and stats["dataset.bytes"] > 1000, stats
    assert stats[f"db.{DB}"]["overhead.hashtable.main"] > 0, stats
    assert 0 < float(stats["dataset.percentage"]) <= 100, stats
    assert r.memory_usage("k") > 1000
    equal(r.memory_purge(), True)
    assert len(r.memory_malloc_stats()) > 100
    r.config_set("latency-monitor-threshold", 20)
    r.execute_command("DEBUG", "SLEEP", "0.03")
    r.config_set("latency-monitor-threshold", 0)
    event, at, last, most = next(e for e in r.latency_latest() if e[0] == "command")
    assert at > 1e9 and 20 <= last <= most, (at, last, most)
    assert r.latency_history("command")[-1][1] == last
    assert r.latency_reset("command") == 1
    named = connect(client_name="listed")
    named.ping()
    listed = {c["name"]: c for c in r.client_list()}["listed"]
    equal((listed["cmd"], listed["db"], listed["events"], listed["flags"]), ("ping", str(DB), "r", "N"))
    equal([c["id"] for c in r.client_list(client_id=[listed["id"]])], [listed["id"]])
    assert listed["id"] in [c["id"] for c in r.client_list(_type="normal")]
    equal(r.client_list(_type="replica"), [])
    equal(r.client_kill_filter(_id=listed["id"]), 1)
    assert all(e["command"] and e["client_address"] for e in r.slowlog_get(10))
    assert r.info("everything")["allocator_active"] > 0


CHECKS = [connection, set_and_get, expiry, counters, hashes, sets, pipeline, transaction, watch, scan, databases, binary, large_value, errors, diagnosis]


def main(names):
    checks = [c for c in CHECKS if not names or c.__name__ in names]
    print(f"1..{len(checks)}")
    failed = False
    for number, check in enumerate(checks, 1):
        try:
            r = connect()
            r.flushdb()
            check(r)
            print(f"ok {number} - {check.__name__}", flush=True)
        except Exception:
            failed = True
            print(f"not ok {number} - {check.__name__}")
            print("# " + traceback.format_exc().strip().replace("\n", "\n# "), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
