package command

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// TestMemoryStatsAndInfo: both tell the same. The clock stands still, so that nothing changes in the background.
func TestMemoryStatsAndInfo(t *testing.T) { synctest.Test(t, testMemoryStatsAndInfo) }

func testMemoryStatsAndInfo(t *testing.T) {
	c := connect(t, newTestServer(t))
	c.do("SELECT 2")
	for i := range 100 {
		c.do("SET key" + strconv.Itoa(i) + " " + strings.Repeat("v", 1000))
	}
	stats := map[string]string{}
	words := strings.Split(c.do("MEMORY STATS"), "\r\n")
	for i, word := range words[:len(words)-1] {
		stats[word] = strings.TrimPrefix(words[i+1], ":")
	}
	info := map[string]string{}
	for line := range strings.SplitSeq(c.do("INFO memory"), "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		info[name] = value
	}
	for stat, field := range map[string]string{"dataset.bytes": "used_memory_dataset", "allocator.allocated": "allocator_allocated",
		"allocator.active": "allocator_active", "startup.allocated": "used_memory_startup"} {
		if stats[stat] == "" || stats[stat] != info[field] {
			t.Errorf("%s is %q, %s is %q", stat, stats[stat], field, info[field])
		}
	}
	if stats["keys.count"] != "100" || stats["db.2"] == "" || stats["db.0"] != "" || stats["overhead.hashtable.main"] != info["redistill_index_bytes"] {
		t.Errorf("MEMORY STATS: %v", stats)
	}
	if data, _ := strconv.Atoi(stats["dataset.bytes"]); data < 100*1000 {
		t.Errorf("%d bytes of data", data)
	}
}

// TestMemoryPurge: what deleted keys leave behind is given back, and nothing else. The clock stands still, so that the background frees
// nothing more meanwhile.
func TestMemoryPurge(t *testing.T) { synctest.Test(t, testMemoryPurge) }

func testMemoryPurge(t *testing.T) {
	srv := newTestServer(t)
	c := connect(t, srv)
	value := strings.Repeat("v", 100_000)
	for i := range 100 {
		c.do("SET key" + strconv.Itoa(i) + " " + value)
	}
	c.expect("SET kept "+value, "+OK")
	for i := range 100 {
		c.do("DEL key" + strconv.Itoa(i))
	}
	srv.Store.ExpireCycle(c.call.Now) // deletes the parts
	if free := srv.Store.Stats().FreeBytes; free < 5<<20 {
		t.Fatalf("only %d bytes are free", free)
	}
	c.expect("MEMORY PURGE", "+OK", "STRLEN kept", ":100000", "GETRANGE kept 99998 -1", "$2 vv")
	if free := srv.Store.Stats().FreeBytes; free != 0 {
		t.Errorf("%d bytes are free", free)
	}
	c.expect("MULTI", "+OK", "MEMORY PURGE", "+QUEUED", "SET k v", "+QUEUED", "EXEC", "*2 +OK +OK")
}

func TestMemoryReports(t *testing.T) {
	c := connect(t, newTestServer(t))
	if got := c.do("MEMORY DOCTOR"); !strings.Contains(got, "- There is no memory limit") {
		t.Errorf("MEMORY DOCTOR: %q", got)
	}
	if got := c.do("MEMORY MALLOC-STATS"); !strings.Contains(got, "/memory/classes/heap/objects:bytes") {
		t.Errorf("MEMORY MALLOC-STATS: %q", got)
	}
}
