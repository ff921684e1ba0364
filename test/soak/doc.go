// Package soak runs a built server as a process of its own, for as long as one wants, and looks at what it does to the process: memory,
// file descriptors, threads and processor time, which the system tells. It needs Linux.
//
//	go test ./test/soak                                           a few seconds on each I/O path, as CI does
//	go test ./test/soak -run Soak -soak 30m -io epoll -timeout 40m
//	go test ./test/soak -run '^$' -bench Idle -benchtime 1x       10,000 connections that say nothing
//
// The benchmarks put figures of redis-server beside ours, where it is installed. docs/performance.md has each with its command.
package soak
