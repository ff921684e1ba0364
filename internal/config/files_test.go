package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// Who must not wait for a disk is told so, where files have to be read and while others read them.
func TestApplyAtOnce(t *testing.T) {
	c := mustLoad(t)
	began, end := make(chan struct{}), make(chan error)
	c.OnChangeRead("timeout", func(*Values) error {
		began <- struct{}{}
		return <-end
	})
	refused := func(name string, pairs ...Pair) {
		t.Helper()
		_, err := c.ApplyAtOnce(pairs...)
		want := "CONFIG SET failed (possibly related to argument '" + name + "') - " + ErrFiles.Error()
		if !errors.Is(err, ErrFiles) || err.Error() != want {
			t.Errorf("%v: got %v, want %s", pairs, err, want)
		}
	}
	refused("timeout", Pair{"maxclients", "7"}, Pair{"timeout", "7"})
	changed := make(chan error)
	for _, change := range []func(){
		func() { changed <- c.Set(Pair{"timeout", "7"}) },
		func() { c.Reload(mustLoad(t)); changed <- nil }, // to the default
		func() { changed <- c.Set(Pair{"timeout", "7"}) },
	} {
		go change()
		await.Receive(t, "the file is read", began)
		refused("maxclients", Pair{"maxclients", "7"})
		end <- nil
		if err := await.Receive(t, "the change", changed); err != nil {
			t.Error(err)
		}
		if changes, err := c.ApplyAtOnce(Pair{"maxclients", "8"}); err != nil || len(changes) != 1 {
			t.Errorf("afterwards: %v, %v", changes, err)
		}
		if _, err := c.ApplyAtOnce(Pair{"maxclients", "9"}); err != nil {
			t.Error(err)
		}
	}
	if v := c.Values(); v.MaxConnections != 9 || v.ConnectionTimeout.Seconds() != 7 {
		t.Errorf("maxclients %d, timeout %s", v.MaxConnections, v.ConnectionTimeout)
	}
}

// CONFIG GET dir does not ask the disk.
func TestSnapshotDirectory(t *testing.T) {
	there, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(there)
	c := mustLoad(t, Assignment{Key: "persistence.snapshot_path", Text: filepath.Join("below", "dump.rdb"), Source: Source{Origin: FromFlag}})
	t.Chdir(os.TempDir())
	got := c.Get("dir")
	if len(got) != 1 || got[0].Value != filepath.Join(there, "below") {
		t.Errorf("got %v", got)
	}
}
