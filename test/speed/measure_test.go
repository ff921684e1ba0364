package main

import "testing"

func TestParse(t *testing.T) {
	const line = "BenchmarkGET-2 25 634912 ns/op 126.5 cpu-ns/command 1088 B/op 11 allocs/op\n"
	got, err := parse([]byte("goos: linux\ncpu: some\n" + line + "PASS\n"))
	if want := (sample{126.5e-9, 11, 1088}); got != want || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for _, text := range []string{
		"",
		"PASS\n",
		"BenchmarkGET-2 25 634912 ns/op 0 B/op 0 allocs/op\n",
		"BenchmarkGET-2 25 0 cpu-ns/command 0 B/op 0 allocs/op\n",
	} {
		if got, err := parse([]byte(text)); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
