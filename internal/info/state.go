package info

import "time"

// State is what INFO reports, at one moment. Whoever renders it fills the fields of the sections that he asks for.
type State struct {
	// Server
	RedisVersion string        // the version of Redis whose commands the server speaks
	Version      string        // the product's own
	IO           string        // the I/O path in use
	IOFallback   string        // why that is not the best one; empty if it is
	OS           string        // kernel, its release and the machine
	GoVersion    string        // of the toolchain
	PID          int           // process
	RunID        string        // 40 hex digits, new at each start
	Port         int           // TCP port, 0 without
	TLSPort      int           // TCP port for TLS, 0 without
	Bind         []string      // addresses of both ports
	UnixSocket   string        // path, empty without one
	CertNotAfter time.Time     // when the TLS certificate expires; zero without
	CertFailures uint64        // TLS certificates found that could not be used
	Now          time.Time     // when the snapshot was taken
	Uptime       time.Duration // since the start
	Counting     time.Duration // since the start or CONFIG RESETSTAT
	Hz           int           // how often a second the background sampling runs
	Executable   string        // path
	ConfigFile   string        // path, empty without one

	// Clients
	ConnectedClients, BlockedClients, MaxClients int64
	LargestInput, LargestOutput                  int64 // bytes of the largest buffer of a client, for what it sends and for what it is sent

	// Memory, in bytes
	DataBytes, IndexBytes   int64  // records, and what is kept to find them
	DeadBytes, FreeBytes    int64  // lost to records that went until their blocks are used again; resident and not in use
	ClientBytes             int64  // clients and their buffers
	Held                    Held   // what of ClientBytes counts for the budget
	ClientBudget            int64  // which is this; 0 is none
	ArrivingBytes           int64  // values on their way in
	LargestValue            int64  // that can be stored; 0 is no limit
	Doomed                  int64  // large values that are gone and whose memory was not given back yet; no bytes
	GoHeapBytes, GoBytes    int64  // objects in Go's heap, clients' included; resident memory that is neither arena, clients nor program
	ProgramBytes            int64  // resident pages of the program's file and of libraries
	StartupBytes, PeakBytes int64  // Used of the empty server, and the most so far
	RSSBytes                int64  // resident memory of the process
	SystemBytes             int64  // memory of the machine, or what its cgroup allows; 0 if unknown
	MaxMemory               int64  // limit, 0 is none
	MaxMemoryPolicy         string // what is evicted

	// Persistence
	LastSave                  time.Time     // of the last snapshot of the keyspace that succeeded, or of the start
	Saves                     int64         // snapshots that succeeded
	SaveFailed                bool          // the last one failed
	SaveTime                  time.Duration // how long the last one took; negative before the first
	SnapshotBytes             int64         // size of the last one that succeeded since the start
	Saving                    bool          // one is being written
	SavingSince               time.Time     // since when
	SavingKeys, SavedKeys     int64         // keys that it has, and those written so far
	AsideBytes                int64         // of memory, that hold what has changed since it began and was not written yet
	Changes                   int64         // calls of writing commands since the last one that succeeded
	Loading                   bool          // one is being loaded
	LoadingSince              time.Time     // since when
	LoadingBytes, LoadedBytes int64         // of the file, and of it so far
	LoadedKeys, LoadedExpired int64         // keys loaded, and left out because their time had come

	// Stats
	ConnectionsReceived, ConnectionsRejected int64
	QueryLimitClosed, OutputLimitClosed      int64 // clients closed for what they sent, for what they did not read
	TLSFailures                              int64 // clients closed because the TLS handshake failed
	EvictedClients                           int64 // clients closed because all of them together held too much
	CommandsProcessed, ErrorReplies          uint64
	DeniedLogins, DeniedCommands, DeniedKeys int64 // refused by passwords and by the rules of users
	DeniedCerts                              int64 // certificates that named no user who may log in
	OpsPerSec                                int64
	NetInputBytes, NetOutputBytes            int64
	InputBytesPerSec, OutputBytesPerSec      int64
	Expired, Evicted, Hits, Misses           uint64
	Cycles, CyclesPerSec                     int64         // rounds of event loops
	CyclesTime, CommandsTime                 time.Duration // that they took, and the commands in them
	CycleTime                                time.Duration // of one lately

	// CPU
	SystemCPU, UserCPU time.Duration // used by the process

	Commands  []Command  // Commandstats and Latencystats
	Errors    []Error    // Errorstats
	Databases []Database // Keyspace: those that hold keys
}

// Held is what clients make the server hold, in bytes by kind; what sockets hold is the system's
// memory.
type Held struct{ Input, Replies, Queues, Watches, Names, Messages, Sockets int64 }

// Used returns the bytes in use, which is what the limit is about.
func (s *State) Used() int64 {
	return s.DataBytes + s.IndexBytes + s.DeadBytes + s.ClientBytes + s.ArrivingBytes + s.GoBytes + s.ProgramBytes
}

// Overhead returns the bytes in use that are no records.
func (s *State) Overhead() int64 { return s.Used() - s.DataBytes }

// Net returns the bytes in use beside those of the empty server, which may have given some back since: at least those of records.
func (s *State) Net() int64 { return max(s.Used()-s.StartupBytes, s.DataBytes) }

// Allocated returns the bytes of the arena that are taken by records and the index, ...
func (s *State) Allocated() int64 { return s.DataBytes + s.IndexBytes }

// Active returns ... those of the blocks that they are in, ...
func (s *State) Active() int64 { return s.Allocated() + s.DeadBytes }

// Resident returns ... and those of all blocks that are in memory.
func (s *State) Resident() int64 { return s.Active() + s.FreeBytes }

// Command is what calls of one command did.
type Command struct {
	Name             string // "get", "config|get"
	Calls            uint64
	Time             time.Duration // of all calls
	Rejected, Failed uint64        // refused before they ran; answered with an error
	Percentiles      []Percentile  // of the time of a call; nil if not known
}

// Percentile is a time that P percent of the calls did not take longer than.
type Percentile struct {
	P    string // "50", "99.9"
	Time time.Duration
}

// Error counts error replies by their code.
type Error struct {
	Code  string // "ERR", "WRONGTYPE"
	Count uint64
}

// Database is the size of one logical database.
type Database struct {
	Index         int
	Keys, Expires int64         // keys, and keys with a TTL
	AvgTTL        time.Duration // mean of the remaining TTLs, an estimate
	IndexBytes    int64         // of memory, to find its keys
}
