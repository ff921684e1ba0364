package rdb_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redistill/redistill/internal/rdb"
)

// sets are sets by their keys: of integers of each width, few and many, and of all texts.
func sets(texts []string) map[string]map[string]string {
	list := map[string]map[string]string{"set of all": {}}
	for _, text := range texts {
		list["set of all"][text] = text
	}
	for _, n := range []int{1, 600, 5000} {
		for _, step := range []int64{3, 70_000, 1 << 40} {
			members := map[string]string{}
			for i := range n {
				m := strconv.FormatInt(int64(i-n/2)*step, 10)
				members[m] = m
			}
			list[fmt.Sprint("set", n, " ", step)] = members
		}
	}
	return list
}

// members returns what a decoder finds in a packed set.
func members(typ rdb.Type, blob string) ([]string, error) {
	payload := rdb.AppendString([]byte{byte(typ)}, []byte(blob))
	f, err := rdb.SplitPayload(rdb.EndPayload(payload, 0))
	if err != nil {
		return nil, err
	}
	var got []string
	d := rdb.Decoder{MaxString: 1 << 20}
	err = d.Elements(&f, func(words [][]byte) error {
		got = append(got, string(words[0]))
		return nil
	})
	return got, err
}

// The forms of small sets, as Redis packs them: integers of three widths, and since 7.2 a listpack.
func TestPackedSets(t *testing.T) {
	for _, test := range []struct {
		typ  rdb.Type
		blob string
		want []string
	}{
		{rdb.SetIntset, "\x02\x00\x00\x00\x03\x00\x00\x00\x00\x80\x00\x00\xff\x7f", []string{"-32768", "0", "32767"}},
		{rdb.SetIntset, "\x04\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x80\x01\x00\x00\x00", []string{"-2147483648", "1"}},
		{rdb.SetIntset, "\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80", []string{"-9223372036854775808"}},
		{rdb.SetListpack, "\x0e\x00\x00\x00\x03\x00\x81m\x02\x07\x01\x80\x01\xff", []string{"m", "7", ""}},
	} {
		got, err := members(test.typ, test.blob)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, %v, want %q", test.blob, got, err, test.want)
		}
	}
}

// An intset whose head does not fit what follows is damaged, as is an empty one.
func TestDamagedIntsets(t *testing.T) {
	const good = "\x02\x00\x00\x00\x02\x00\x00\x00\x01\x00\x02\x00"
	if _, err := members(rdb.SetIntset, good); err != nil {
		t.Fatal(err)
	}
	bad := []string{"", good[:4], good[:8], "\x02\x00\x00\x00\x00\x00\x00\x00", good[:len(good)-1], good + "\x00",
		strings.Replace(good, "\x02", "\x03", 1), strings.Replace(good, "\x02", "\x01", 1), strings.Replace(good, "\x02", "\x00", 1),
		"\x04\x00\x00\x00\x01\x00\x00\x40\x01\x00\x02\x00"} // a product of 2^32 + 4
	for _, blob := range bad {
		if got, err := members(rdb.SetIntset, blob); err == nil || !strings.Contains(fmt.Sprint(err), "a packed set is damaged") {
			t.Errorf("%q: got %q, %v", blob, got, err)
		}
	}
}
