package wire

import (
	"bytes"
	"fmt"
	"regexp"
)

// What Redis says since 7.2 of what a user may not do, and what redis-server
// 7.0 says, where the user has no name.
var (
	deniedCommand = regexp.MustCompile(`NOPERM User \S+ has no permissions to run`)
	deniedKey     = []byte("NOPERM No permissions to access a key")
	deniedDryRun  = regexp.MustCompile(`\$\d+\r\nUser \S+ has no permissions to ([^\r]*)\r\n`)

	olderCommand = []byte("NOPERM this user has no permissions to run")
	olderKey     = []byte("NOPERM this user has no permissions to access one of the keys used as arguments")
)

// older returns a reply as redis-server 7.0 has it, if it is one of these.
func older(reply []byte) []byte {
	if !bytes.Contains(reply, []byte("ermissions to ")) {
		return reply
	}
	reply = bytes.ReplaceAll(reply, deniedKey, olderKey)
	reply = deniedCommand.ReplaceAll(reply, olderCommand)
	return deniedDryRun.ReplaceAllFunc(reply, func(bulk []byte) []byte {
		text := "This user has no permissions to " + string(deniedDryRun.FindSubmatch(bulk)[1])
		return fmt.Appendf(nil, "$%d\r\n%s\r\n", len(text), text)
	})
}
