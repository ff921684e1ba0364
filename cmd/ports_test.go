package cmd

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/redistill/redistill/test/await"
)

// shownPorts finds the values of CONFIG GET port and tls-port, and the fields of INFO.
var shownPorts = regexp.MustCompile(`(?:\r\nport\r\n\$\d+\r\n|\r\ntls-port\r\n\$\d+\r\n|\r\ntcp_port:|\r\nredistill_tls_port:)(\d+)`)

// portsShown waits until a server accepts commands, and asks it for its ports.
func portsShown(t *testing.T, network, address string) string {
	t.Helper()
	scheme := map[string]string{"tcp": "redis://", "unix": "unix://"}
	connectTo(t, scheme[network]+address)
	nc, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, "CONFIG GET port\r\nCONFIG GET tls-port\r\nINFO server\r\nQUIT\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(nc)
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, m := range shownPorts.FindAllSubmatch(text, -1) {
		shown = append(shown, string(m[1]))
	}
	return strings.Join(shown, " ")
}

// TestNoPort: port 0 is none, as in Redis. The Unix socket is all that is listened on.
func TestNoPort(t *testing.T) {
	clearEnvironment(t)
	socket := filepath.Join(t.TempDir(), "s")
	log := startOurs(t, "--port", "0", "--unix-socket", socket)
	if got := portsShown(t, "unix", socket); got != "0 0 0 0" {
		t.Errorf("the ports are %s", got)
	}
	await.True(t, "it is ready", func() bool { return strings.Contains(log.String(), "ready to accept") })
	if !strings.Contains(log.String(), " listen=["+socket+"] ") {
		t.Errorf("it listens elsewhere: %s", log)
	}
}

// TestChosenPort: the ports that the system chose are those that CONFIG GET and INFO show.
func TestChosenPort(t *testing.T) {
	clearEnvironment(t)
	_, cert, key := certificate(t)
	withTLS := []string{"--tls", "--tls-cert-path", cert, "--tls-key-path", key}

	port, tlsPort := startOurs(t).ports(t)
	if got, want := portsShown(t, "tcp", "127.0.0.1:"+port), port+" 0 "+port+" 0"; got != want || tlsPort != "" {
		t.Errorf("plain: got %s, want %s; TLS port %q", got, want, tlsPort)
	}
	port, tlsPort = startOurs(t, append(withTLS, "--tls-port", "auto")...).ports(t)
	if got, want := portsShown(t, "tcp", "127.0.0.1:"+port), port+" "+tlsPort+" "+port+" "+tlsPort; got != want {
		t.Errorf("both: got %s, want %s", got, want)
	}
	socket := filepath.Join(t.TempDir(), "s")
	port, tlsPort = startOurs(t, append(withTLS, "--unix-socket", socket)...).ports(t)
	if got, want := portsShown(t, "unix", socket), port+" 0 0 "+port; got != want || tlsPort != "" {
		t.Errorf("TLS in place of plain text: got %s, want %s; TLS port %q", got, want, tlsPort)
	}
}

// TestNowhere: a server that nobody could reach does not start, as in Redis.
func TestNowhere(t *testing.T) {
	clearEnvironment(t)
	_, cert, key := certificate(t)
	for _, args := range []string{"--port 0", "--port 0 --tls-port 0", "--port 0 --tls --tls-cert-path " + cert + " --tls-key-path " + key} {
		var log bytes.Buffer
		code := run(await.Context(t), append([]string{"serve"}, strings.Fields(args)...), strings.NewReader(""), &log, &log)
		want := "redistill: nothing to listen on: server.port and server.tls_port are 0, and server.unix_socket is empty\n"
		if code != exitError || !strings.HasSuffix(log.String(), want) {
			t.Errorf("%s: got %d, %s", args, code, &log)
		}
	}
}
