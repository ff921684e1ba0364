// Package snapshot keeps a keyspace in a file of Redis's format: it writes what an engine.Snapshot holds, and loads a file into a Store.
//
// A file is written beside the old one and takes its place when it is complete (internal/atomicfile): whatever happens, there is one whole
// file. The goroutine that calls Save takes from the engine, and holds its locks at times; another one, which holds none, checksums and
// writes. For a snapshot in the background that one gives way to whoever wants a processor (standBack). A file is loaded by one goroutine
// that splits it and by as many others as there are processors, which decode and store. They begin when there is a sample of how long keys
// were not used. Nothing here ever changes a file that could not be loaded.
package snapshot
