package servertest

import "testing"

// TestLaunchLeavesArguments: the arguments of a server can be those of the next one as well, which has a port of its own.
func TestLaunchLeavesArguments(t *testing.T) {
	args := []string{Tool(t, "true"), Port}
	if err := Launch(t, t.TempDir(), args...).Wait(); err != nil {
		t.Error(err)
	}
	if args[1] != Port {
		t.Errorf("the mark is %q now", args[1])
	}
}
