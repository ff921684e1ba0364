package spawn

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// TestStart: where a server listens is learnt from its log, also if that goes on.
func TestStart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(nc, "+PONG\r\n")
			_ = nc.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	line := `time=1 level=INFO msg="` + ChosenPort + `" port=`
	script := "printf '" + line + "'; echo " + port + "; head -c 100000 /dev/zero; exec sleep 1000"
	s, err := Start(context.Background(), nil, "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if s.Address != l.Addr().String() {
		t.Errorf("the address is %s", s.Address)
	}
}

// TestAnswers: a server that wants a password is ready, and one that loads is not.
func TestAnswers(t *testing.T) {
	for reply, want := range map[string]bool{
		"+PONG\r\n": true, "-NOAUTH Authentication required.\r\n": true,
		"-LOADING Redis is loading the dataset in memory\r\n": false, "HTTP/1.1 400 Bad Request\r\n": false, "": false,
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = nc.Read(make([]byte, 100))
			_, _ = io.WriteString(nc, reply)
			_ = nc.Close()
		}()
		s := &Server{Address: l.Addr().String()}
		if got := s.answers(t.Context()); got != want {
			t.Errorf("%q: got %v", reply, got)
		}
		_ = l.Close()
	}
}

func TestChosenPorts(t *testing.T) {
	for _, test := range []struct{ log, want string }{
		{"", "-"},
		{"msg=other port=1\n", "-"},
		{`time=1 msg="` + ChosenPort + `" port=7001` + "\n", "7001-"},
		{`time=1 msg="` + ChosenPort + `" port=7001`, "-"}, // there may be more of it
		{"x\n" + `msg="` + ChosenPort + `" port=7001 tls_port=7002` + "\nport=3\n", "7001-7002"},
		{`{"msg":"` + ChosenPort + `","tls_port":7002}` + "\n", "-7002"},
		{`{"msg":"` + ChosenPort + `","port":7001,"tls_port":7002}` + "\n", "7001-7002"},
	} {
		if port, tlsPort := ChosenPorts([]byte(test.log)); port+"-"+tlsPort != test.want {
			t.Errorf("%q: %q, %q", test.log, port, tlsPort)
		}
	}
}

func TestStartErrors(t *testing.T) {
	for want, args := range map[string][]string{
		"needs {port}":                      {"redis-server"},
		"starting a server":                 {"no-such-program", PortMark},
		"it ended at once: cannot do 'port": {"sh", "-c", "echo cannot do \"'port\" {port}; exit 1"},
	} {
		_, err := StartForeign(context.Background(), args...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", args, err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := StartForeign(ctx, "sleep", "100", "{port}")
	if err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}
