// Package bench generates load for a server that speaks Redis's protocol, and
// measures what the server makes of it. It knows the protocol only, so Redis,
// Valkey, Dragonfly and Redistill are measured alike.
//
// A [Profile] declares what is stored and asked for. [Run] preloads its keys,
// warms up, and then measures once. [Measure] repeats Run over one or more
// servers in turn and collects a [Report].
//
// # What is counted
//
// A request is one command: the SET that follows a miss of a cache-aside
// profile and the EXPIRE behind an INCR count as well. In the closed loop
// (Rate 0) every connection sends Pipeline requests and waits for their
// replies, and latency counts from the moment they are handed to the kernel. In
// the open loop requests are due at fixed times whatever the server does, and
// latency counts from the moment a request was due: one that waits behind a
// stalled one is slow too, even if the server answers it at once. By how much the
// generator itself was late is reported beside it; an alarm keeps that small.
//
// The connections have a goroutine each. They record into a few histograms that
// are each behind a lock, taken once a batch, so that 10,000 connections need
// no 10,000 histograms.
package bench
