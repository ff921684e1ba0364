package engine

// Policy says which keys are given up when the memory limit is reached.
type Policy uint8

// The eviction policies.
const (
	AllKeysLRU     Policy = iota // least recently used of all keys
	AllKeysLFU                   // least frequently used of all keys
	AllKeysRandom                // any key
	AllKeysS3FIFO                // S3-FIFO (Yang et al., SOSP 2023): quick demotion of keys that are not asked for again
	AllKeysDensity               // S3-FIFO by uses per byte instead of uses, see density.go
	VolatileLRU                  // least recently used of the keys with a TTL
	VolatileLFU                  // least frequently used of the keys with a TTL
	VolatileRandom               // any key with a TTL
	VolatileTTL                  // the keys with a TTL, soonest deadline first
	NoEviction                   // none: commands that need memory fail
	numPolicies
)

var policyNames = [numPolicies]string{
	AllKeysLRU: "allkeys-lru", AllKeysLFU: "allkeys-lfu", AllKeysRandom: "allkeys-random",
	AllKeysS3FIFO: "allkeys-s3fifo", AllKeysDensity: "allkeys-density",
	VolatileLRU: "volatile-lru", VolatileLFU: "volatile-lfu", VolatileRandom: "volatile-random",
	VolatileTTL: "volatile-ttl", NoEviction: "noeviction",
}

// Weight is what AllKeysDensity wants to be as large as possible.
type Weight uint8

// The weights.
const (
	WeightHits     Weight = iota // the share of requests that hit: small values are worth more
	WeightBalanced               // between the two others
	WeightBytes                  // the share of bytes that hit: size does not count
	numWeights
)

var weightNames = [numWeights]string{WeightHits: "hits", WeightBalanced: "balanced", WeightBytes: "bytes"}

// String returns the weight's name in configuration.
func (w Weight) String() string { return weightNames[w] }

// ParseWeight returns the weight with the given name.
func ParseWeight(name string) (Weight, bool) {
	for w, n := range weightNames {
		if n == name {
			return Weight(w), true
		}
	}
	return 0, false
}

// Weights returns the names of all weights, the default first.
func Weights() []string { return weightNames[:] }

// counting says what the access bits of records count under a policy.
type counting uint32

const (
	countRecency   counting = iota // the epoch of the last use
	countFrequency                 // a logarithmic counter of uses
	countHits                      // uses since the last sweep, up to three
)

// counts returns what a policy counts.
func (p Policy) counts() counting {
	switch p {
	case AllKeysLFU, VolatileLFU:
		return countFrequency
	case AllKeysS3FIFO, AllKeysDensity:
		return countHits
	}
	return countRecency
}

// byAge reports whether a policy sweeps blocks in the order of their age.
func (p Policy) byAge() bool { return p <= AllKeysDensity && p != AllKeysRandom }

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
