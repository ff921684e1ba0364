package verify_test

import (
	"os"
	"testing"
	"time"

	"github.com/redistill/redistill/test/servertest"
	"github.com/redistill/redistill/tools/client"
)

func TestMain(m *testing.M) { os.Exit(servertest.Main(m)) }

// minute is how long Run waits for replies here.
var minute = client.Options{Timeout: time.Minute}
