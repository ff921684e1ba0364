package bench

import (
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/tidwall/redcon"
)

// opKind is a command that is sent.
type opKind uint8

const (
	opGet opKind = iota
	opSet
	opIncr
	opExpire
	opIsMember
	opAdd
	opKinds
)

var opNames = [opKinds]string{"GET", "SET", "INCR", "EXPIRE", "SISMEMBER", "SADD"}

// op is a request that waits for its reply.
type op struct {
	kind opKind
	pop  uint8
	key  uint64
	due  time.Duration // when it was due, or handed to the kernel
}

// batch is what is sent in one write.
type batch struct {
	buf []byte
	ops []op
}

func (b *batch) reset() { b.buf, b.ops = b.buf[:0], b.ops[:0] }

// poolBytes bounds the memory for the values of a population.
const poolBytes = 16 << 20

// population is a Population made ready: every piece of a command but the key's
// digits is formatted. All connections share it and none writes to it.
type population struct {
	Population
	head   [opKinds][]byte // up to the digits of the key
	tail   [opKinds][]byte // behind them, up to the value if there is one
	values [][]byte        // as bulk strings
	expire []byte          // the arguments of SET behind the value
	keys   chooser
	upTo   float64 // a number below this and not below the one before chooses it
}

func newPopulation(p Population, d Distribution, r *rand.Rand) population {
	out := population{Population: p, keys: newChooser(d, p.Keys)}
	seconds := strconv.Itoa(int(time.Duration(p.TTL) / time.Second))
	prefix, suffix, _ := strings.Cut(p.Key, KeyMark)
	setArgs := 3
	if p.TTL > 0 {
		setArgs = 5
		out.expire = redcon.AppendBulkString(redcon.AppendBulkString(nil, "EX"), seconds)
	}
	for kind, args := range [opKinds]int{2, setArgs, 2, 3, 3, 3} {
		head := redcon.AppendBulkString(redcon.AppendArray(nil, args), opNames[kind])
		head = append(head, '$') // the word of the key begins
		head = strconv.AppendInt(head, int64(len(prefix)+16+len(suffix)), 10)
		out.head[kind] = append(append(head, "\r\n"...), prefix...)
		out.tail[kind] = append([]byte(suffix), "\r\n"...)
	}
	out.tail[opExpire] = redcon.AppendBulkString(out.tail[opExpire], seconds)
	n := min(256, max(4, poolBytes/p.Size.Max))
	for range n {
		value := appendValue(nil, p.Value, p.size(r), r)
		out.values = append(out.values, redcon.AppendBulk(nil, value))
	}
	return out
}

// write is the command that stores something under a key.
func (p *Population) write() opKind {
	if p.Access == Membership {
		return opAdd
	}
	return opSet
}

// read is the command that asks for it.
func (p *Population) read() opKind {
	if p.Access == Membership {
		return opIsMember
	}
	return opGet
}

// size draws the size of a value.
func (p *Population) size(r *rand.Rand) int {
	bounds := p.Size
	if p.MostSize.Max > 0 && r.IntN(5) > 0 {
		bounds = p.MostSize
	}
	return bounds.Min + r.IntN(bounds.Max-bounds.Min+1)
}

// prepare makes the populations of a profile ready, with values drawn from seed.
func prepare(p Profile, seed uint64) []population {
	r := rand.New(rand.NewPCG(seed, 1<<63))
	var out []population
	total, sum := 0.0, 0.0
	for _, pop := range p.Populations {
		total += pop.Weight
	}
	for _, pop := range p.Populations {
		sum += pop.Weight / total
		ready := newPopulation(pop, p.Distribution, r)
		ready.upTo = sum
		out = append(out, ready)
	}
	out[len(out)-1].upTo = 1
	return out
}

// generator makes the requests of one connection.
type generator struct {
	pops []population
	rand *rand.Rand
	// fresh is the number of the next key that nobody has asked for.
	fresh uint64
	// missed are the keys whose SET is to follow.
	missed []op
}

// newGenerator is that of connection i. Fresh keys are counted from nonce, which
// has to differ from run to run: the server may still have the former ones.
func newGenerator(pops []population, seed, nonce uint64, i int) *generator {
	return &generator{
		pops: pops, rand: rand.New(rand.NewPCG(seed, uint64(i))),
		fresh: nonce + uint64(i)<<36,
	}
}

// next appends the next request to b, or two for a counter.
func (g *generator) next(b *batch, due time.Duration) {
	if n := len(g.missed); n > 0 {
		o := g.missed[n-1]
		g.missed = g.missed[:n-1]
		g.append(b, opSet, o.pop, o.key, due)
		return
	}
	i := uint8(0)
	if len(g.pops) > 1 {
		for u := g.rand.Float64(); u >= g.pops[i].upTo; {
			i++
		}
	}
	p := &g.pops[i]
	switch p.Access {
	case Counter:
		key := p.keys.next(g.rand)
		g.append(b, opIncr, i, key, due)
		g.append(b, opExpire, i, key, due)
	case CacheAside:
		key := p.keys.next(g.rand)
		if g.rand.Float64() >= p.HitRate {
			key = g.fresh
			g.fresh++
		}
		g.append(b, opGet, i, key, due)
	default:
		kind := p.read()
		if p.ReadRatio < 1 && g.rand.Float64() >= p.ReadRatio {
			kind = p.write()
		}
		g.append(b, kind, i, p.keys.next(g.rand), due)
	}
}

// append appends one command to b.
func (g *generator) append(b *batch, kind opKind, i uint8, key uint64, due time.Duration) {
	p := &g.pops[i]
	b.buf = append(b.buf, p.head[kind]...)
	b.buf = appendHex(b.buf, keyName(key))
	b.buf = append(b.buf, p.tail[kind]...)
	if kind == opSet || kind == opIsMember || kind == opAdd {
		b.buf = append(b.buf, p.values[g.rand.IntN(len(p.values))]...)
	}
	if kind == opSet {
		b.buf = append(b.buf, p.expire...)
	}
	b.ops = append(b.ops, op{kind, i, key, due})
}

// missing notes that the server did not have the key of o.
func (g *generator) missing(o op) {
	if g.pops[o.pop].Access == CacheAside {
		g.missed = append(g.missed, o)
	}
}

// keyName is what stands in the name of a key for its number, so that neighbouring
// ranks have keys that differ everywhere. It is XXH64, the same in every process and
// version: one may ask for what another has stored. Each step of XXH64 can be undone
// for eight bytes, so that no two numbers share a name.
func keyName(key uint64) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], key)
	return xxhash.Sum64(b[:])
}

func appendHex(dst []byte, x uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[x>>shift&15])
	}
	return dst
}
