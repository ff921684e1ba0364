package clients_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
)

func checkSets(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	requireReply(t, c.SAdd(ctx, "s", "a", "b", 1), 3)
	requireReply(t, c.SAdd(ctx, "s", "a"), 0)
	requireReply(t, c.SMembersMap(ctx, "s"), map[string]struct{}{"a": {}, "b": {}, "1": {}})
	requireReply(t, c.SMembers(ctx, "missing"), []string{})
	requireReply(t, c.SIsMember(ctx, "s", 1), true)
	requireReply(t, c.SMIsMember(ctx, "s", "a", "c"), []bool{true, false})
	requireReply(t, c.SAdd(ctx, "t", "b", "c"), 2)
	requireReply(t, c.SInter(ctx, "s", "t"), []string{"b"})
	requireReply(t, c.SInterCard(ctx, 1, "s", "t"), 1)
	requireReply(t, c.SUnionStore(ctx, "d", "s", "t"), 4)
	requireReply(t, c.SDiffStore(ctx, "d", "d", "s"), 1)
	requireReply(t, c.SMove(ctx, "d", "t", "c"), true)
	requireReply(t, c.Exists(ctx, "d"), 0)
	requireReply(t, c.SRem(ctx, "t", "b", "missing"), 1)
	requireReply(t, c.SRandMemberN(ctx, "t", -2), []string{"c", "c"})
	requireReply(t, c.SPop(ctx, "t"), "c")
	requireReply(t, c.SPopN(ctx, "t", 2), []string{})

	want := map[string]struct{}{}
	for i := range 2000 {
		want[fmt.Sprint("member:", i)] = struct{}{}
	}
	requireReply(t, c.SAdd(ctx, "big", slices.Collect(maps.Keys(want))), 2000)
	got := map[string]struct{}{}
	for it := c.SScan(ctx, "big", 0, "", 100).Iterator(); it.Next(ctx); {
		got[it.Val()] = struct{}{}
	}
	if !maps.Equal(got, want) {
		t.Errorf("SSCAN found %d members, want %d, or others", len(got), len(want))
	}
}
