package cmd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redistill/redistill/internal/logwriter"
	"github.com/redistill/redistill/test/await"
)

// textLine is a line of the log as text: words without spaces or quotes, and quoted ones.
var textLine = regexp.MustCompile(`^time=\S+ level=(INFO|WARN|ERROR) msg=("((?:[^"\\]|\\.)*)"|\w+)(?: \w+=(?:"(?:[^"\\]|\\.)*"|[^\s"=]+))*$`)

// messageOf returns the message of a line of the log, or an error if it is none.
func messageOf(format, line string) (string, error) {
	if format == "json" {
		var l struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Time == "" || l.Level == "" {
			return "", fmt.Errorf("not a line of the log: %q: %v", line, err)
		}
		return l.Msg, nil
	}
	m := textLine.FindStringSubmatch(line)
	if m == nil {
		return "", fmt.Errorf("not a line of the log: %q", line)
	}
	return strings.Trim(m[2], `"`), nil
}

// TestLogOfAServer runs a server from its start to its end: each event is one line, and no secret is in it.
func TestLogOfAServer(t *testing.T) {
	want := []string{"the system chose the port", "there is no snapshot to load", "ready to accept connections", "a setting was changed", "a setting was changed",
		"login failed", "snapshot begun", "snapshot written", "snapshot begun", "snapshot written", "shutting down",
		"nothing was written since the last snapshot", "stopped"}
	slices.Sort(want)
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			clearEnvironment(t)
			dir := t.TempDir()
			file := filepath.Join(dir, "redistill.toml")
			settings := fmt.Sprintf("[server]\nport = \"auto\"\n[logging]\nformat = %q\n[persistence]\nenabled = true\nsnapshot_path = %q\n", format, filepath.Join(dir, "dump.rdb"))
			if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
				t.Fatal(err)
			}
			log, stderr := io.Pipe()
			go func() {
				run(context.Background(), []string{"serve", "--config", file}, strings.NewReader(""), io.Discard, stderr)
				stderr.Close()
			}()
			var got []string
			var using sync.WaitGroup
			for lines := bufio.NewScanner(log); lines.Scan(); {
				message, err := messageOf(format, lines.Text())
				if err != nil || strings.Contains(lines.Text(), "swordfish") {
					t.Errorf("%v: %s", err, lines.Text())
				}
				if message == "ready to accept connections" {
					address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(lines.Text())
					using.Go(func() { useAndShutDown(t, address) })
				}
				got = append(got, message)
			}
			using.Wait()
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// TestLogThatNobodyReads has a server serve while its log cannot be written. All of it comes when
// it can.
func TestLogThatNobodyReads(t *testing.T) {
	clearEnvironment(t)
	log, stderr := io.Pipe()
	ended := make(chan int, 1)
	socket := filepath.Join(t.TempDir(), "s")
	go func() {
		args := []string{"serve", "--port", "0", "--unix-socket", socket, "--threads", "1"}
		ended <- run(context.Background(), args, strings.NewReader(""), io.Discard, stderr)
		stderr.Close()
	}()
	lines := bufio.NewScanner(log)
	for lines.Scan() && !strings.Contains(lines.Text(), "ready to accept connections") {
		continue
	}
	var clients [2]net.Conn
	for i := range clients {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(await.Deadline())
		clients[i] = c
	}
	const changes = 2 * logwriter.MaxLines
	for i := range changes {
		fmt.Fprintf(clients[0], "CONFIG SET timeout %d\r\n", 700+i)
	}
	for i, want := range []string{strings.Repeat("+OK\r\n", changes), "+PONG\r\n"} {
		if i == 1 {
			_, _ = io.WriteString(clients[1], "PING\r\n")
		}
		got := make([]byte, len(want))
		if n, err := io.ReadFull(clients[i], got); string(got) != want {
			t.Fatalf("client %d has %q: %v", i, got[:n], err)
		}
	}
	seen := 0
	for lost := 0; seen+lost < changes && lines.Scan(); {
		if strings.Contains(lines.Text(), "a setting was changed") {
			seen++
		}
		if m := regexp.MustCompile(`lines are missing here.* lines=(\d+)`).FindStringSubmatch(lines.Text()); m != nil {
			lost, _ = strconv.Atoi(m[1])
		}
	}
	if seen <= logwriter.MaxLines {
		t.Errorf("only %d lines came", seen)
	}
	go func() { _, _ = io.Copy(io.Discard, log) }()
	_, _ = io.WriteString(clients[0], "SHUTDOWN NOSAVE\r\n")
	if code := await.Receive(t, "the end", ended); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

// useAndShutDown does with a server what its log tells of.
func useAndShutDown(t *testing.T, address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	replies := bufio.NewReader(c)
	ask := func(command string) string {
		_, err1 := io.WriteString(c, command+"\r\n")
		reply, err2 := replies.ReadString('\n')
		if err := errors.Join(err1, err2); err != nil && err2 != io.EOF {
			t.Errorf("%s: %v", command, err)
		}
		return reply
	}
	for strings.HasPrefix(ask("PING"), "-LOADING") {
		continue // until it has seen that there is no snapshot
	}
	for _, step := range [][2]string{
		{"CONFIG SET timeout 700", "+OK"}, {"CONFIG SET requirepass swordfish", "+OK"}, {"CONFIG SET timeout 700", "+OK"},
		{"AUTH default swordfish2", "-WRONGPASS"}, {"AUTH default swordfish", "+OK"}, {"SAVE", "+OK"}, {"SHUTDOWN", ""},
	} {
		if reply := ask(step[0]); !strings.HasPrefix(reply, step[1]) {
			t.Errorf("%s: got %q", step[0], reply)
		}
	}
}
