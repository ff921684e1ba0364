package cmd

import (
	"runtime/debug"
	"testing"
)

func TestCheckedOut(t *testing.T) {
	for _, test := range []struct {
		settings []debug.BuildSetting
		want     string
	}{
		{nil, "unknown"},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "false"}}, "abc"},
		{[]debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, {Key: "vcs.revision", Value: "abc"}}, "abc+dirty"},
	} {
		if got := checkedOut(test.settings); got != test.want {
			t.Errorf("%v: got %q", test.settings, got)
		}
	}
}

// TestLinkedVersion: what the linker was told comes first.
func TestLinkedVersion(t *testing.T) {
	defer func() { version, commit = "", "" }()
	version, commit = "1.2.3", "abc"
	if b := currentBuild(); b.version != "1.2.3" || b.commit != "abc" {
		t.Errorf("got %+v", b)
	}
}
