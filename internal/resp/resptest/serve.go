package resptest

import (
	"net"

	"github.com/redistill/redistill/internal/resp"
)

// Serve answers each command that comes over a connection at once, until that ends.
// reply gets the name of the command.
func Serve(nc net.Conn, reply func(name string) string) {
	p := &resp.Parser{Limits: resp.Limits{Authenticated: true}}
	var got, out []byte
	for chunk := make([]byte, 64<<10); ; {
		n, err := nc.Read(chunk)
		if err != nil {
			return
		}
		got = append(got, chunk[:n]...)
		for {
			n, args, err := p.Next(got, nil)
			if err != nil || n == 0 {
				break
			}
			out = append(out, reply(string(args[0]))...)
			got = got[n:]
		}
		if len(out) == 0 {
			continue // a pipe, unlike a socket, waits with a write of nothing
		}
		if _, err := nc.Write(out); err != nil {
			return
		}
		out = out[:0]
	}
}
