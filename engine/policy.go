package engine

// Policy says which keys are given up when the memory limit is reached.
type Policy uint8

// The eviction policies.
const (
	AllKeysLRU     Policy = iota // least recently used of all keys
	AllKeysLFU                   // least frequently used of all keys
	AllKeysRandom                // any key
	VolatileLRU                  // least recently used of the keys with a TTL
	VolatileLFU                  // least frequently used of the keys with a TTL
	VolatileRandom               // any key with a TTL
	VolatileTTL                  // the keys with a TTL, soonest deadline first
	NoEviction                   // none: commands that need memory fail
	numPolicies
)

var policyNames = [numPolicies]string{
	AllKeysLRU: "allkeys-lru", AllKeysLFU: "allkeys-lfu", AllKeysRandom: "allkeys-random",
	VolatileLRU: "volatile-lru", VolatileLFU: "volatile-lfu", VolatileRandom: "volatile-random",
	VolatileTTL: "volatile-ttl", NoEviction: "noeviction",
}

// String returns the policy's name in configuration.
func (p Policy) String() string { return policyNames[p] }

// ParsePolicy returns the policy with the given name.
func ParsePolicy(name string) (Policy, bool) {
	for p, n := range policyNames {
		if n == name {
			return Policy(p), true
		}
	}
	return 0, false
}

// Policies returns the names of all policies, the default first.
func Policies() []string { return policyNames[:] }
