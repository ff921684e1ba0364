// Package soak runs a built server as a process of its own, for as long as one wants, and looks at what it does to the process: memory,
// file descriptors, threads and processor time, which the system tells. It needs Linux.
//
//	go test ./test/soak                                           ten seconds on each I/O path, as CI does
//	go test ./test/soak -v -run Soak -soak 30m -io epoll -timeout 40m
//	go test ./test/soak -run '^$' -bench Idle -benchtime 1x       10,000 connections that say nothing
//
// # TestSoak
//
// A scene is a server with everything that clients may want: TCP, a Unix socket, TLS that takes client certificates, a file of users, one of
// settings, snapshots, and the HTTP listener. On it are, all at once:
//
//	visitors      40 clients that come and go in all ways that there are, say random commands and know each reply. Two of five visits
//	              are those of a user with rules, which only the visitor changes, and so it knows what is denied as well (profile).
//	director      an operator who changes settings, rewrites and reloads them, rotates certificates, refuses some handshakes for a
//	              while, loads and saves users, makes mistakes, has the server check its memory (DEBUG CHECK), and looks at everything. It
//	              knows what CONFIG GET has to show.
//	ledgers       clients that write down their writes in order. They can tell whether a snapshot shows one moment, and which.
//	saver         takes snapshots, and has them loaded by a second server and by redis-server.
//	flusher       has a database of its own, which it flushes; scraper and monitor: one asks over HTTP, one watches all commands.
//
// Memory is roomy and tight by turns (scene.regime). While it is tight, keys may be missing and writes refused, but no value may be
// wrong; otherwise every reply is known to the byte. What is done to others on purpose is known to them by what scene counts: ACL LOAD ends
// the connections of all users, and so a visitor that has one tests that its connection has ended.
//
// Random choices follow from -seed, which is printed. What depends on when things happen, and so the commands that meet in the server, does not.
//
// When all clients have gone, the server may hold no more than when it started, but for the keys: no descriptor, no goroutine, and no memory
// above the bounds in held_linux_test.go. Runs of five minutes also compare the memory of their quarters.
//
// # Benchmarks
//
// The benchmarks put figures of redis-server beside ours, where it is installed. docs/performance.md has each with its command.
package soak
