package soak

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// held is what the server's process holds while a console is its only client, and its logs of commands are empty.
type held struct {
	descriptors, goroutines int64
	heap, objects           int64 // Go's memory after a garbage collection: bytes, and how many objects
	records                 int64 // bytes of keys and values
	hidden                  int64 // resident bytes that neither the store nor the Go runtime counts; below 0, as the runtime counts untouched pages
}

// What a run may leave beside keys: rules of users, histograms of latencies, buffers that the loops keep. In 36 runs of ten seconds, beside
// loads of 20 to 40 processes, a run left 0.3 to 3.5 MB in 836 to 1,560 objects, -3 to 10 MB were hidden, and a string had 5 to 7 bytes.
const (
	moreHeap     = 4 << 20
	moreObjects  = 2000
	mostHidden   = 16 << 20
	mostOverhead = 16 // bytes of records for each key, field and value, beside themselves
)

// held looks what the server holds when all clients but the console have gone.
func (sc *scene) held(c *console) (h held, err error) {
	sc.t.Helper()
	sc.Eventually("the console is the only client", func() bool {
		clients, err := c.info("clients")
		return err == nil && clients["connected_clients"] == "1"
	})
	for _, log := range []string{"SLOWLOG", "LATENCY", "ACL LOG"} {
		if _, err := c.do(append(strings.Fields(log), "RESET")...); err != nil {
			return h, err
		}
	}
	h.descriptors = int64(sc.Usage().Descriptors)
	goroutines, err := sc.page("/debug/pprof/goroutine?debug=1")
	if err != nil {
		return h, err
	}
	memory, err := c.info("memory")
	if err != nil {
		return h, err
	}
	heap, err := sc.page("/debug/pprof/heap?debug=1&gc=1")
	if err != nil {
		return h, err
	}
	var sys, released, resident int64
	for _, f := range []struct {
		n           *int64
		text, after string
	}{
		{&h.goroutines, goroutines, "goroutine profile: total "}, {&h.heap, heap, "\n# HeapAlloc = "}, {&h.objects, heap, "\n# HeapObjects = "},
		{&sys, heap, "\n# Sys = "}, {&released, heap, "\n# HeapReleased = "},
		{&h.records, memory["used_memory_dataset"], ""}, {&resident, memory["redistill_go_bytes"], ""},
	} {
		_, digits, _ := strings.Cut(f.text, f.after)
		digits, _, _ = strings.Cut(digits, "\n")
		if *f.n, err = strconv.ParseInt(digits, 10, 64); err != nil {
			return h, fmt.Errorf("%q: %w", f.after, err)
		}
	}
	h.hidden = resident - (sys - released)
	return h, nil
}

// expectNothingLeft tests that the server holds no more than before, but for the keys that there are.
func (sc *scene) expectNothingLeft(before held, there *contents) {
	sc.t.Helper()
	c := sc.console()
	defer c.close()
	var now held
	defer func() {
		sc.t.Logf("before %+v\nafter  %+v\nkeys   %d bytes in %d strings", before, now, there.bytes, there.strings)
		if sc.t.Failed() {
			sc.t.Logf("most of the heap:\n%s", sc.heapMost())
		}
	}()
	for _, limit := range []struct {
		what  string
		keeps func() bool
	}{
		{"the descriptors of connections are closed", func() bool { return now.descriptors <= before.descriptors }},
		{"the goroutines of connections have ended", func() bool { return now.goroutines <= before.goroutines }},
		{"the memory of connections is given back", func() bool { return now.heap <= before.heap+moreHeap && now.objects <= before.objects+moreObjects }},
		{"there is no other memory", func() bool { return now.hidden <= mostHidden }},
		{"there are no records but those of keys", func() bool { return now.records <= there.bytes+mostOverhead*there.strings }},
	} {
		sc.Eventually(limit.what, func() bool {
			var err error
			if now, err = sc.held(c); err != nil {
				sc.t.Fatal(err)
			}
			return limit.keeps()
		})
	}
}

// heapMost returns the records of the heap's profile that have most bytes in use.
func (sc *scene) heapMost() string {
	text, err := sc.page("/debug/pprof/heap?debug=1")
	if err != nil {
		return err.Error()
	}
	_, text, _ = strings.Cut(text, "\n") // the total
	records := strings.Split(text, "\n\n")
	slices.SortFunc(records, func(a, b string) int { return cmp.Compare(inUse(b), inUse(a)) })
	return strings.Join(records[:min(8, len(records))], "\n\n")
}

// inUse returns the bytes of a record, which begins with "objects: bytes [".
func inUse(record string) int {
	_, bytes, _ := strings.Cut(record, ": ")
	bytes, _, _ = strings.Cut(bytes, " ")
	n, _ := strconv.Atoi(bytes) // what is no record has none
	return n
}
