package snapshot_test

import (
	"os"
	"testing"

	"github.com/redistill/redistill/internal/servertest"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }
