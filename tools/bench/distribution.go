package bench

import (
	"math"
	"math/rand/v2"
)

const (
	zipfExponent  = 0.99
	hotsetKeys    = 0.1
	hotsetTraffic = 0.9
)

// chooser draws numbers from 0 to n-1. It holds no state that changes.
type chooser struct {
	distribution Distribution
	n, hot       uint64
	zipf         zipf
}

func newChooser(d Distribution, n int) chooser {
	c := chooser{distribution: d, n: uint64(n), hot: max(1, uint64(float64(n)*hotsetKeys))}
	if d == Zipf {
		c.zipf = newZipf(zipfExponent, float64(n))
	}
	return c
}

func (c *chooser) next(r *rand.Rand) uint64 {
	switch c.distribution {
	case Zipf:
		return c.zipf.next(r)
	case Hotset:
		if c.hot == c.n || r.Float64() < hotsetTraffic {
			return r.Uint64N(c.hot)
		}
		return c.hot + r.Uint64N(c.n-c.hot)
	default:
		return r.Uint64N(c.n)
	}
}

// zipf draws ranks by rejection-inversion (Hörmann and Derflinger, 1996), which
// needs no table of the keys: it inverts the integral of x^-s, and throws away
// what falls between that curve and the steps below it.
type zipf struct {
	n, s         float64
	first, width float64 // the integral's values that ranks 1 to n span
	accept       float64 // closer than this to a rank, it is taken unseen
}

func newZipf(s, n float64) zipf {
	z := zipf{n: n, s: s}
	z.first = z.integral(1.5) - 1
	z.width = z.integral(n+0.5) - z.first
	z.accept = 2 - z.inverse(z.integral(2.5)-math.Pow(2, -s))
	return z
}

// integral is that of x^-s from 1, for s other than 1.
func (z *zipf) integral(x float64) float64 { return (math.Pow(x, 1-z.s) - 1) / (1 - z.s) }
func (z *zipf) inverse(y float64) float64  { return math.Pow(1+y*(1-z.s), 1/(1-z.s)) }

func (z *zipf) next(r *rand.Rand) uint64 {
	for {
		u := z.first + r.Float64()*z.width
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.accept || u >= z.integral(k+0.5)-math.Pow(k, -z.s) {
			return uint64(k) - 1
		}
	}
}
