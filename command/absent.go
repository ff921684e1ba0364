package command

import (
	"slices"
	"strings"

	"github.com/redistill/redistill/internal/acl"
)

// absentNames are the full names of the commands of Redis 7.2 that are not here, each line after the categories that they have there.
const absentNames = `
keyspace write slow dangerous: migrate restore-asking
read set sortedset list slow dangerous: sort_ro
read sortedset fast: zcard zcount zlexcount zmscore zrank zrevrank zscore
read sortedset slow: zdiff zinter zintercard zrandmember zrange zrangebylex zrangebyscore zrevrange zrevrangebylex zrevrangebyscore zscan zunion
read list fast: llen
read list slow: lindex lpos lrange
read string slow: lcs
read bitmap fast: bitfield_ro getbit
read bitmap slow: bitcount bitpos
read hyperloglog slow: pfcount
read geo slow: geodist geohash geopos georadius_ro georadiusbymember_ro geosearch
read stream fast: xlen
read stream slow: xinfo|consumers xinfo|groups xinfo|stream xpending xrange xrevrange
read stream slow blocking: xread
read fast: lolwut
write set sortedset list slow dangerous: sort
write sortedset fast: zadd zincrby zpopmax zpopmin zrem
write sortedset fast blocking: bzpopmax bzpopmin
write sortedset slow: zdiffstore zinterstore zmpop zrangestore zremrangebylex zremrangebyrank zremrangebyscore zunionstore
write sortedset slow blocking: bzmpop
write list fast: lpop lpush lpushx rpop rpush rpushx
write list slow: linsert lmove lmpop lrem lset ltrim rpoplpush
write list slow blocking: blmove blmpop blpop brpop brpoplpush
write bitmap slow: bitfield bitop setbit
write hyperloglog admin slow dangerous: pfdebug
write hyperloglog fast: pfadd
write hyperloglog slow: pfmerge
write geo slow: geoadd georadius georadiusbymember geosearchstore
write stream fast: xack xadd xautoclaim xclaim xdel xsetid
write stream slow: xgroup|create xgroup|createconsumer xgroup|delconsumer xgroup|destroy xgroup|setid xtrim
write stream slow blocking: xreadgroup
write slow scripting: function|delete function|flush function|load function|restore
hyperloglog admin slow dangerous: pfselftest
stream slow: xgroup|help xinfo|help
pubsub fast: publish spublish
pubsub slow: psubscribe pubsub|channels pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub punsubscribe ssubscribe subscribe
pubsub slow: sunsubscribe unsubscribe
admin fast dangerous: role
admin slow dangerous: bgrewriteaof cluster|addslots cluster|addslotsrange cluster|bumpepoch cluster|count-failure-reports cluster|delslots
admin slow dangerous: cluster|delslotsrange cluster|failover cluster|flushslots cluster|forget cluster|meet cluster|replicas cluster|replicate
admin slow dangerous: cluster|reset cluster|saveconfig cluster|set-config-epoch cluster|setslot cluster|slaves failover module|list module|load
admin slow dangerous: module|loadex module|unload psync replconf replicaof slaveof sync
admin slow dangerous connection: client|unblock
fast connection: asking
slow: cluster|countkeysinslot cluster|getkeysinslot cluster|help cluster|info cluster|keyslot cluster|links cluster|myid cluster|myshardid
slow: cluster|nodes cluster|shards cluster|slots function module module|help pubsub pubsub|help script xgroup xinfo
slow blocking connection: waitaof
slow connection: client|caching client|tracking wait
slow scripting: eval eval_ro evalsha evalsha_ro fcall fcall_ro function|dump function|help function|kill function|list function|stats script|debug
slow scripting: script|exists script|flush script|help script|kill script|load
`

// absentCommands returns those commands as rules see them, a container before its subcommands. A file of users that comes from a Redis names
// them, and has to say the same when it goes back there; without them a user with everything but LPUSH had LPUSH again.
func absentCommands() []acl.Command {
	var list []acl.Command
	for line := range strings.Lines(absentNames) {
		words, names, _ := strings.Cut(line, ":")
		var categories Category
		for _, word := range strings.Fields(words) {
			categories |= categoryNamed(word)
		}
		for _, name := range strings.Fields(names) {
			list = append(list, acl.Command{Name: name, Categories: uint32(categories), Absent: true})
		}
	}
	slices.SortFunc(list, func(a, b acl.Command) int { return strings.Compare(a.Name, b.Name) })
	return list
}
