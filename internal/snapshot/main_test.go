package snapshot_test

import (
	"os"
	"testing"

	"github.com/redistill/redistill/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }
