package bench

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// maxNumberSize is how many digits every number has room for in 64 bits.
const maxNumberSize = 18

var words = [...]string{
	"anchor", "basket", "copper", "delivery", "engine", "forest", "garden", "harbor", "island", "jacket",
	"kitchen", "ladder", "market", "north", "orange", "pepper", "quarter", "river", "silver", "timber",
	"upland", "velvet", "window", "yellow", "zephyr", "the", "and", "with", "for", "from",
}

// appendValue appends a value of exactly size bytes.
func appendValue(dst []byte, kind ValueKind, size int, r *rand.Rand) []byte {
	end := len(dst) + size
	switch kind {
	case JSONValue:
		return appendJSON(dst, end, r)
	case HTMLValue:
		return appendHTML(dst, end, r)
	case NumberValue:
		for dst = append(dst, '1'+byte(r.IntN(9))); len(dst) < end; {
			dst = append(dst, '0'+byte(r.IntN(10)))
		}
		return dst
	}
	dst = fmt.Appendf(dst, "user_id=%d,logged_in=true,role=%s,csrf=", 10_000+r.IntN(90_000), words[r.IntN(len(words))])
	for len(dst) < end {
		dst = strconv.AppendUint(dst, r.Uint64(), 16)
	}
	return dst[:end]
}

// The texts that close a value, so that it is well-formed.
const (
	jsonEnd = `"}`
	htmlEnd = "</p></body></html>\n"
)

func appendJSON(dst []byte, end int, r *rand.Rand) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, `{"id":%d,"name":"%s %s","email":"%s%d@example.com","items":[`,
		10_000+r.IntN(90_000), words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))], r.IntN(1000))
	for i := 0; len(dst)+200 < end; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"sku":"%08x","price":%d.%02d,"in_stock":%t,"title":"%s %s"}`,
			r.Uint32(), r.IntN(500), r.IntN(100), r.IntN(2) == 0, words[r.IntN(len(words))], words[r.IntN(len(words))])
	}
	dst = append(dst, `],"about":"`...)
	return appendText(dst, start, end, jsonEnd, r)
}

func appendHTML(dst []byte, end int, r *rand.Rand) []byte {
	start := len(dst)
	dst = fmt.Appendf(dst, "<!DOCTYPE html>\n<html><head><title>%s</title></head><body><h1>%[1]s</h1>\n", words[r.IntN(len(words))])
	for len(dst)+400 < end {
		dst = fmt.Appendf(dst, "<div class=\"card\" id=\"p%d\"><a href=\"/products/%[1]d\">", r.IntN(100_000))
		dst = appendWords(dst, 20, r)
		dst = append(dst, "</a></div>\n"...)
	}
	dst = append(dst, "<p>"...)
	return appendText(dst, start, end, htmlEnd, r)
}

// appendText fills up with words and closes with tail at exactly end. A value
// too small for that is text without form.
func appendText(dst []byte, start, end int, tail string, r *rand.Rand) []byte {
	if len(dst)+len(tail) > end {
		dst = dst[:start]
		tail = ""
	}
	for len(dst)+len(tail) < end {
		dst = appendWords(dst, 1, r)
	}
	return append(dst[:end-len(tail)], tail...)
}

func appendWords(dst []byte, n int, r *rand.Rand) []byte {
	for range n {
		dst = append(append(dst, words[r.IntN(len(words))]...), ' ')
	}
	return dst
}
